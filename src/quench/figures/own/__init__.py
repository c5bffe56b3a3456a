"""Figures of anybody's own runs."""
