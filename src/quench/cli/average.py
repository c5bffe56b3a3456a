"""Pool the observables of several chunks of networks: averages with bootstrap intervals and the number of networks.

quench average chunk0.nc chunk1.nc -o observables.nc
"""

from __future__ import annotations

import argparse
from pathlib import Path

from quench.cli.options import add_output, check_output
from quench.errors import QuenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("parts", nargs="+", type=Path, help="observables of one chunk of networks each")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import xarray as xr

    from quench import files, steps
    from quench.observables.average import average

    parts = [files.read(path, kind="observables") for path in args.parts]
    for path, part in zip(args.parts, parts, strict=True):
        absent = {"overlap", "msd", "fourth_moment", "seed", "diverged_at"} - set(part.variables)
        if absent:
            raise QuenchError(f"{path}: no variable {min(absent)!r}; quench observe writes what is averaged here")
    check_output(args.output)
    config = files.config_of(parts[0])
    for path, part in zip(args.parts, parts, strict=True):
        if files.config_of(part) != config:
            raise QuenchError(f"{path}: measured under another configuration than {args.parts[0]}")
    seeds = np.concatenate([part["seed"].values for part in parts])
    if len(np.unique(seeds)) != len(seeds):
        raise QuenchError("a seed is in more than one of the files; every network counts once")
    plain: list[xr.Dataset] = [part.drop_vars([name for name in part if _averaged(str(name))]) for part in parts]
    files.write(average(plain), args.output, kind="observables", config=config, code=steps.code("average"))


def _averaged(name: str) -> bool:
    return name.endswith(("_mean", "_low", "_high")) or name in ("n_networks", "n_diverged")
