"""The papers' claims, judged on the plotted numbers."""
