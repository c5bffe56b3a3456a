"""A folder of results as the pipeline makes it, with drawn figures and judged claims."""

import json
from pathlib import Path

import numpy as np
import xarray as xr
import yaml
from places import ROOT

from quench.figures import style
from quench.figures.build import save
from quench.store import files

FIGURES = {
    "kwj_fig3": {"runs": ["regularised"]},
    "kwj_fig4": {"runs": ["regularised"], "fit": [10, 200]},
    "bj_fig3": {"classifiers": ["small_net"]},
    "theory_mct": {"runs": ["regularised"]},
    "ours_mine": {"runs": ["regularised"]},
}
CONFIG = {
    "scenario": "example",
    "scale": "reduced",
    "data": {"mnist": {"source": "mnist5k", "subset": 200}},
    "ensembles": {"regularised": {"dataset": "mnist", "width": 4, "seeds": 4, "first_seed": 2}},
    "runs": {"regularised": {"ensemble": "regularised", "temperatures": [0.1, 0.0], "chi": 30.0, "samples_max": None}},
    # An overlay dropped the second one.
    "classifiers": {"small_net": {"source": "cifar10", "seeds": 1}, "width_10": None},
    "figures": FIGURES,
}
LOG = "quench: took {} s, 4.0 s of processor time, 256 MB at most, on AMD EPYC, 2 cores\n"


def make(folder: Path, shift: int = 0, **changes) -> Path:
    """Results of ``CONFIG``, overridden by ``changes``; ``shift`` shifts the verdicts by a number of claims."""
    config = CONFIG | changes
    (folder / "logs" / "figures").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for index, name in enumerate(config["figures"]):
        _draw(folder, name, index)
    for path in ("data/mnist", "pretrained/regularised/2-5", "snapshots/regularised/T0.1/2-5", "claims"):
        log = folder / "logs" / f"{path}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("earlier\n" + LOG.format(8.0))
    declared = yaml.safe_load((ROOT / "config/claims.yaml").read_text(encoding="utf-8"))["claims"]
    verdicts = ("reproduced", "not reproduced", "inconclusive")
    rows = [
        {
            "id": claim["id"],
            "paper": claim["paper"],
            "figure": claim["figure"],
            "statement": claim["statement"],
            "value": (None, 1.5e-7, "inf", -0.48)[index % 4],
            "low": None if index % 2 == 0 else 1e-7,
            "high": None if index % 2 == 0 else 2e-7,
            "n_networks": None if index % 2 == 0 else 4,
            "verdict": verdicts[(index + shift) % 3],
            "reason": "too few networks" if index % 3 == 2 else "",
            "allowed": "≤ 1e-06",
            "why": "a sixth decimal",
            "reads": " ".join(claim["reads"]),
        }
        for index, claim in enumerate(declared)
    ]
    (folder / "claims.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def _draw(folder: Path, name: str, index: int) -> None:
    x = np.geomspace(1, 1e4, 50)
    caption = 'Overlap "Q" at 100 % & below <1>; |grad L|^2, tau90 at T = 0.'
    numbers = xr.Dataset(
        {"overlap": ("lag", np.exp(-x / 10**index))},
        {"lag": x},
        {"caption": caption, "scale_label": "reduced scale: $P_D$ = 200"},
    )
    with style.applied():
        figure, axes = style.new(2)
        for ax in axes.flat:
            ax.semilogx(x, numbers["overlap"], label="A′'s $Q$")
            ax.legend()
    (folder / "figures").mkdir(exist_ok=True)
    save(figure, folder / "figures" / name, title=f"{name}: Overlap number {index}", caption=caption)
    files.write(
        numbers, folder / "figures" / f"{name}.nc", kind="figure", config={"figure": name}, code=f"{index:016x}"
    )
    (folder / "logs" / "figures" / f"{name}.log").write_text(LOG.format(2.5))
