"""The reference backend: torch, any device, float32 or float64; the oracle of the fused engine."""
