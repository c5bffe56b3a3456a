"""KWJ Fig. A11: no ageing in the overparameterised phase; panels as in Fig. 8.

Needs ``runs``: one Langevin run of one temperature with several waiting times; ``fit``: the window of t_w.
"""

from __future__ import annotations

from quench.figures.kwj.fig8 import compute, draw

__all__ = ["CAPTION", "TITLE", "compute", "draw"]

NEEDS = {"runs": 1}
LABEL = "Fig. A11"
SECTION = "App. J Ageing"
TITLE = "No ageing in the overparameterised phase"
CAPTION = (
    "(a) Overlap Q(t, t_w) from the youngest (dark) to the oldest (bright) waiting time, with 95 % bands. (b) "
    "Time tau90 against the waiting time t_w, with the fit of Fig. 8; without ageing its exponent is 0."
)
