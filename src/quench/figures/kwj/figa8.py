"""KWJ Fig. A8: non-Gaussian parameter and motility histograms with CIFAR-10; the same panels and test as Fig. 7.

Needs ``runs``: one Langevin run per phase. ``lags``: the lag of each panel's histograms.
"""

from __future__ import annotations

from quench.figures.kwj.fig7 import CAPTION, MEANS, compute, draw

__all__ = ["CAPTION", "MEANS", "TITLE", "compute", "draw"]

NEEDS = {"runs": 1}
LABEL = "Fig. A8"
SECTION = "App. I Dynamic heterogeneity with CIFAR-10"
TITLE = "Non-Gaussianity and dynamic heterogeneity with CIFAR-10"
