"""Figures of the theory itself: reference curves that the networks are held against."""
