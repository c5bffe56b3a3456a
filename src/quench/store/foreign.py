"""Files of other software: the variables of a contract alone, and only the records that were written completely.

A program that is killed leaves records of which some variables have no value yet. NetCDF returns its fill value for them,
and returns other records in wrong places where the unlimited dimension is not the first one.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from quench.errors import QuenchError


def ours(attrs: Mapping[str, Any]) -> bool:
    """Whether the attributes of a file say that quench wrote it; somebody may have changed it since."""
    try:
        return str(attrs.get("created_by", "")).startswith("quench ") and isinstance(json.loads(attrs["config"]), dict)
    except (KeyError, TypeError, ValueError):
        return False


def load(path: Path, names: Collection[str], records: str, needed: Collection[str]) -> xr.Dataset:
    """The variables ``names`` of the file at ``path``, without its last records if these are not complete.

    A record is one place along the dimension ``records``. It is complete where no value of the variables ``needed`` is
    the fill value. The other variables may mean anything in a file of other software, and are not read; of a file that
    quench wrote and somebody changed, all are. Raises ``QuenchError`` where no record is complete, or a later one is.
    """
    with netCDF4.Dataset(path) as file:
        others = [] if ours(file.__dict__) else [name for name in file.variables if name not in names]
        for name in set(file.variables) & set(file.dimensions) - set(others):
            # xarray cannot open such a file, and does not name it.
            if (dims := file[name].dimensions) != (name,):
                raise QuenchError(f"{path}: {name} has dimensions ({', '.join(dims)}), not ({name})")
    with xr.open_dataset(
        path, engine="netcdf4", decode_times=False, mask_and_scale=False, drop_variables=others
    ) as opened:
        unlimited = opened.encoding.get("unlimited_dims", ())
        variables = {name: _loaded(variable, unlimited) for name, variable in opened.variables.items()}
        raw = xr.Dataset(variables, attrs=opened.attrs)
    return xr.decode_cf(_complete(raw, records, needed, path), decode_times=False)


def _loaded(variable: xr.Variable, unlimited: Collection[Any]) -> xr.Variable:
    """``variable`` in memory, read in pieces between which no unlimited dimension but the first one extends."""
    grown = [dim for dim in variable.dims[1:] if dim in unlimited]
    if not grown:
        return variable.load()
    values = np.empty(variable.shape, variable.dtype)
    for places in itertools.product(*(range(variable.sizes[dim]) for dim in grown)):
        place = dict(zip(grown, places, strict=True))
        piece: Any = tuple(place.get(dim, slice(None)) for dim in variable.dims)
        values[piece] = variable[piece].values
    return variable.copy(data=values)


def _complete(raw: xr.Dataset, records: str, needed: Collection[str], path: Path) -> xr.Dataset:
    written = np.ones(raw.sizes.get(records, 0), bool)
    for name in needed:
        if name in raw.variables and records in raw[name].dims:
            variable = raw[name].variable
            others = [dim for dim in variable.dims if dim != records]
            written &= (variable != _fill(variable)).all(others).values
    if written.all():
        return raw
    kept = int(np.flatnonzero(written)[-1]) + 1 if written.any() else 0
    if not written[:kept].all() or not kept:
        first = int(written.argmin())
        later = ", though later ones were" if kept else ""
        raise QuenchError(f"{path}: record {first} along {records!r} was not written completely{later}")
    print(
        f"quench: {path}: the last {len(written) - kept} of {len(written)} records were not written completely, and are"
        " left out",
        file=sys.stderr,
    )
    return raw.isel({records: slice(kept)})


def _fill(variable: xr.Variable) -> Any:
    """The value that stands for what was not written."""
    default = netCDF4.default_fillvals.get(variable.dtype.str[1:], np.nan)
    return np.asarray(variable.attrs.get("_FillValue", default)).astype(variable.dtype)[()]
