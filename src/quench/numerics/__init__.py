"""Numbers that are the same to the bit on every machine: keyed random streams and compiled functions."""
