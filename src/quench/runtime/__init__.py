"""A process that may be killed at any moment and must corrupt nothing."""
