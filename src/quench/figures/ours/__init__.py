"""Figures that neither paper has."""
