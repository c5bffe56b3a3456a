"""Schematic mode-coupling theory: correlators (schematic), long-time limits and exponents (critical)."""
