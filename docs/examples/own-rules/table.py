"""tau90 of every network at the last waiting time, as CSV: the script of the rule ``table``."""

import csv
from pathlib import Path

import xarray as xr

with open(snakemake.output[0], "w", newline="") as target:  # noqa: F821
    rows = csv.writer(target)
    rows.writerow(["point", "network", "tau90"])
    for path in snakemake.input:  # noqa: F821
        with xr.open_dataset(path) as observed:
            for network, tau90 in enumerate(observed["tau90"].isel(waiting_time=-1).values):
                rows.writerow([Path(path).parent.name, network, tau90])
