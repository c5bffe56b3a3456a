"""The results as one page."""
