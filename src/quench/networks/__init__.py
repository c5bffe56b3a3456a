"""Architectures: layer shapes, flat weight layout, initialisation."""
