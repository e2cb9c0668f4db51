"""A real server, a real client and everything that can go wrong between them, by a seeded chance."""
