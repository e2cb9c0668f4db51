"""Side-by-side benchmarks: `make bench`.  They print what they measured; nothing here is a test."""
