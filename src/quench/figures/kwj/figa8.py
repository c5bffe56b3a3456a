"""KWJ Fig. A8: non-Gaussian parameter and motility histograms with CIFAR-10; the same panels and test as Fig. 7.

Needs ``runs``: one Langevin run a phase; ``lags`` names the lag of each panel's histograms.
"""

from __future__ import annotations

from quench.figures.kwj.fig7 import CAPTION, compute, draw

__all__ = ["CAPTION", "TITLE", "compute", "draw"]

NEEDS = {"runs": 1}
TITLE = "Non-Gaussianity and dynamic heterogeneity with CIFAR-10"
