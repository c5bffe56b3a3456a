"""Randomness keyed by (seed, stream, step): Philox4x32-10 counters, never global state or call order."""
