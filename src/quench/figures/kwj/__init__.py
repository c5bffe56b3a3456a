"""Figures of Kerr Winter & Janssen 2024."""
