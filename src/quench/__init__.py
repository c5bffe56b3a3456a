"""quench: glassy dynamics in the training of neural networks, reproduced."""

__version__ = "0.1.0"


# What a user's own training script needs, loaded when it is asked for: ``import quench`` alone imports nothing.
def __getattr__(name: str) -> object:
    import importlib

    public = {"record": "quench.recording", "Schedule": "quench.dynamics.schedule"}
    if name not in public:
        raise AttributeError(f"module 'quench' has no attribute {name!r}")
    return getattr(importlib.import_module(public[name]), name)
