"""Long runs against real parts: `make soak`.  They say what they saw, and fail where a promise was broken."""
