"""The code that made a result: fingerprints, the modules of each step, submissions."""
