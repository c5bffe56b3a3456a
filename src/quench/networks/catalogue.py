"""Names and widths of BJ's networks, apart from torch, so that a configuration is checked in no time."""

from __future__ import annotations

# Widths in the paper, from the input on: hidden layers, filters, or channels of the first stage.
PAPER_WIDTHS: dict[str, tuple[int, ...]] = {
    "A": (10_000,),
    "A-under": (10,),
    "B": (100, 100),
    "C": (10, 20, 100),
    "D": (64,),
    "LeNet": (6, 16, 120, 84),
    "ResNet-34": (64,),
    "WideResNet": (16, 160),
}


def layer_widths(name: str, widths: tuple[int, ...] | None = None, multiplier: float = 1.0) -> tuple[int, ...]:
    """Widths of the model: the paper's or ``widths``, times ``multiplier``, each at least 1.

    Raises ``ValueError`` for an unknown name or a wrong number of widths.
    """
    if name not in PAPER_WIDTHS:
        raise ValueError(f"no model {name!r}; known: {', '.join(PAPER_WIDTHS)}")
    default = PAPER_WIDTHS[name]
    if widths is not None and len(widths) != len(default):
        raise ValueError(f"model {name} has {len(default)} widths (the paper's: {default}), not {len(widths)}")
    return tuple(max(1, round(multiplier * width)) for width in (widths or default))
