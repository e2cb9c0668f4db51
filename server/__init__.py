"""A Server-Sent Events server that anyone can publish to with curl."""
