"""Fully connected classifiers with biases in machine code: the networks A, A' and B of BJ, of any width and depth."""
