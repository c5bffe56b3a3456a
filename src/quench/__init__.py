"""quench: glassy dynamics in the training of neural networks, reproduced."""

__version__ = "0.1.0"
