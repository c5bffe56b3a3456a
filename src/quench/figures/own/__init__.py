"""Figures of the user's own runs."""
