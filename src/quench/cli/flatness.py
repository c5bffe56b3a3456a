"""Flat directions of a classifier: Hessian spectra of kept configurations, and the loss on straight lines between them.

quench flatness images/mnist5k.nc classifiers/b_tiny/0-1.nc --times 0,300,20000 --method full -o flatness/b_tiny.nc
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from quench.cli.options import add_output, bounded, check_output, integers
from quench.errors import QuenchError

THRESHOLDS = (1e-4, 1e-3, 1e-2)
POINTS = 21


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, help="images file that they were trained on")
    parser.add_argument("trainings", type=Path, nargs="+", metavar="TRAINING", help="all chunks of one classifier")
    parser.add_argument("--times", type=integers, required=True, help="updates after which the spectrum is taken")
    parser.add_argument("--method", choices=("full", "stochastic"), default="full")
    parser.add_argument("--samples", type=bounded(int, 1), help="training samples of the Hessian (default: all)")
    parser.add_argument("--probes", type=bounded(int, 1), default=4, help="random vectors of the stochastic method")
    parser.add_argument("--lanczos-steps", type=bounded(int, 2), default=60, help="Hessian products for each of them")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=bounded(int, 1), default=1, help="threads of the arithmetic")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from quench.cli import classifier
    from quench.dynamics import training
    from quench.provenance import steps
    from quench.store import files

    check_output(args.output)
    trainings = classifier.read_trainings(args.trainings)
    choices = files.config_of(trainings)
    weights = classifier.kept_weights(trainings, args.times)
    torch.set_num_threads(args.threads)
    task = classifier.task(args.images, choices, training.usable_device(args.device))
    network = task.network(0)
    if network.has_batch_statistics:
        raise QuenchError(
            "spectra and straight lines need running statistics of batch normalisation, which are not kept"
        )
    images, classes = task.train(network)
    if args.samples and args.samples > len(classes):
        raise QuenchError(f"--samples: {args.samples} is more than the {len(classes)} training samples")
    count = args.samples or len(classes)
    rows = []
    for number, seed in enumerate(trainings["seed"].values):
        for time in args.times:
            print(f"quench: spectrum of seed {seed} at t = {time}", file=sys.stderr)
            network.weights.copy_(torch.from_numpy(weights.sel(kept_time=time).values[number]))
            rows.append(_spectrum(network, images[:count], classes[:count], args, int(seed)))
    shape = (len(trainings["seed"]), len(args.times))
    spectra = {
        name: np.array([row[name] for row in rows]).reshape(*shape, *np.shape(rows[0][name])) for name in rows[0]
    }
    lines = _lines(network, images, classes, weights)
    config = {
        "training": choices,
        "method": args.method,
        "samples": count,
        "probes": args.probes,
        "lanczos_steps": args.lanczos_steps,
    }
    table = _table(spectra, lines, args.times, trainings["seed"].values)
    files.write(table, args.output, kind="flatness", config=config, code=steps.code("flatness"))


def _spectrum(network: Any, images: Any, classes: Any, args: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Edges, shares and nodes of one spectrum; NaN for a lost configuration."""
    import numpy as np
    import torch

    from quench.observables import hessian

    if not torch.isfinite(network.weights).all():
        n_nodes = network.n_weights if args.method == "full" else min(args.lanczos_steps, network.n_weights)
        shape = (1 if args.method == "full" else args.probes, n_nodes)
        shares = np.full((len(THRESHOLDS), 3), np.nan)
        nothing = np.full(shape, np.nan)
        return {"edges": [np.nan] * 2, "flat": shares, "negative": shares, "nodes": nothing, "node_weights": nothing}
    if args.method == "full":
        found = hessian.full_spectrum(network, images, classes)
    else:
        found = hessian.stochastic_spectrum(network, images, classes, args.probes, args.lanczos_steps, seed)
    shares = {
        name: [[share.value, share.low, share.high] for share in map(measure, THRESHOLDS)]
        for name, measure in (("flat", found.flat), ("negative", found.negative))
    }
    return {"edges": [found.smallest, found.largest], **shares, "nodes": found.nodes, "node_weights": found.weights}


def _lines(network: Any, images: Any, classes: Any, weights: Any) -> dict[str, Any]:
    """Loss along straight lines: from every time to the next in each network, and between networks at the last time."""
    from itertools import pairwise

    import numpy as np

    from quench.observables.hessian import straight_line

    times = weights["kept_time"].values
    networks = range(weights.sizes["network"])
    ends = [((n, a), (n, b)) for n in networks for a, b in pairwise(times)]
    ends += [((n, times[-1]), (m, times[-1])) for n in networks for m in networks if n < m]

    def at(end: tuple[int, int]) -> Any:
        return weights.isel(network=end[0]).sel(kept_time=end[1]).values

    losses = [straight_line(network, images, classes, at(first), at(last), POINTS)[1] for first, last in ends]
    return {"ends": np.array(ends, dtype=np.int64).reshape(-1, 2, 2), "loss": np.array(losses).reshape(-1, POINTS)}


def _table(spectra: dict[str, Any], lines: dict[str, Any], times: Any, seeds: Any) -> Any:
    import numpy as np
    import xarray as xr

    from quench.store.files import described

    by_time = ("network", "time")
    share = (*by_time, "threshold", "bound")
    probe = (*by_time, "probe", "node")
    return xr.Dataset(
        {
            "edges": described(spectra["edges"], (*by_time, "edge"), "smallest and largest eigenvalue of the Hessian"),
            "flat": described(spectra["flat"], share, "share of |lambda| <= threshold x lambda_max: value, low, high"),
            "negative": described(
                spectra["negative"], share, "share of lambda <= -threshold x lambda_max: value, low, high"
            ),
            "nodes": described(spectra["nodes"], probe, "eigenvalues, or nodes of the spectral quadrature"),
            "node_weights": described(spectra["node_weights"], probe, "share of the spectrum at each node"),
            "line_loss": described(lines["loss"], ("line", "point"), "training loss along a straight line"),
            "line_ends": described(
                lines["ends"], ("line", "end", "coordinate"), "network number and update of both ends of each line"
            ),
        },
        coords={
            "time": described(np.array(times, dtype=np.int64), ("time",), "updates since initialisation", "updates"),
            "threshold": described(list(THRESHOLDS), ("threshold",), "fraction of the largest eigenvalue"),
            "point": described(np.linspace(0, 1, POINTS), ("point",), "place on the line"),
            "seed": described(seeds, ("network",), "seed of each network"),
        },
    )
