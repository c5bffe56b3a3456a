"""The fused backend: whole training segments in machine code, for the bias-free ReLU networks of KWJ on a CPU."""
