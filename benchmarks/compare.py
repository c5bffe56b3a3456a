"""Compare the data of two results folders: NetCDF variables, coordinates and attributes, except provenance.

python benchmarks/compare.py results/default /elsewhere/results/default [--ignore caption]

The attributes ``code_fingerprint`` and ``git_commit`` always differ between versions of the code and are left out, as
are the checksums of pictures, and the attributes named by ``--ignore``. The exit status is 1 where a file is missing or
differs.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr

PROVENANCE = {"code_fingerprint", "git_commit"}


def data_of(path: Path, ignored: set[str]) -> xr.Dataset:
    """The dataset at ``path`` without the ``ignored`` attributes."""
    with xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
        dataset = opened.load()
    dataset.attrs = {name: value for name, value in dataset.attrs.items() if name not in ignored}
    if "config" in dataset.attrs:
        dataset.attrs["config"] = json.loads(dataset.attrs["config"])
        dataset.attrs["config"].pop("pictures", None)
    return dataset


def difference(first: xr.Dataset, second: xr.Dataset) -> str:
    """The first difference between two datasets; empty where there is none."""
    if set(first.variables) != set(second.variables):
        return f"variables {sorted(set(first.variables) ^ set(second.variables))}"
    for name, variable in first.variables.items():
        other = second.variables[name]
        if variable.dims != other.dims or variable.shape != other.shape or variable.dtype != other.dtype:
            return f"shape or type of {name}"
        if variable.values.tobytes() != other.values.tobytes() and not variable.equals(other):
            numbers = variable.dtype.kind in "iuf"
            size = f", at most {np.nanmax(np.abs(variable.values - other.values)):.3g}" if numbers else ""
            return f"values of {name}{size}"
        if found := changed(variable.attrs, other.attrs):
            return f"attribute {found} of {name}"
    found = changed(first.attrs, second.attrs)
    return f"attribute {found}" if found else ""


def changed(first: dict, second: dict) -> str:
    """The first attribute that differs; empty where there is none."""
    names = sorted(first.keys() | second.keys())
    return next((name for name in names if not same(first.get(name), second.get(name))), "")


def same(first: object, second: object) -> bool:
    """Compare two attributes: mappings by key, others as arrays."""
    return first == second if isinstance(first, dict) else np.array_equal(first, second)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs=2, type=Path, metavar="FOLDER")
    parser.add_argument("--ignore", nargs="*", default=[], metavar="ATTRIBUTE")
    args = parser.parse_args()
    first, second = args.folders
    ignored = PROVENANCE | set(args.ignore)
    names = sorted({path.relative_to(root).as_posix() for root in args.folders for path in root.rglob("*.nc")})
    names = [name for name in names if not any(part.startswith(".") for part in Path(name).parts)]
    wrong = 0
    for name in names:
        if not ((first / name).is_file() and (second / name).is_file()):
            found = "in one folder only"
        else:
            found = difference(data_of(first / name, ignored), data_of(second / name, ignored))
        if found:
            wrong += 1
            print(f"{name}: {found}")
    print(f"{len(names)} files compared, {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
