"""What the bits rest on: keyed random numbers and compiled code."""
