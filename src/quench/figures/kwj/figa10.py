"""KWJ Fig. A10: tau90 against T at several waiting times in the underparameterised phase, as in Fig. A9.

Needs ``runs``: one Langevin run; all its waiting times are shown.
"""

from __future__ import annotations

from quench.figures.kwj.figa9 import CAPTION, compute, draw

__all__ = ["CAPTION", "TITLE", "compute", "draw"]

NEEDS = {"runs": 1}
LABEL = "Fig. A10"
SECTION = "App. J Ageing"
TITLE = "Relaxation at several waiting times, underparameterised"
