"""Stack the panels, widths or waiting times of a figure into one dataset."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr


def stack_panels(parts: Sequence[xr.Dataset], along: str = "panel") -> xr.Dataset:
    """Concatenate ``parts`` along a new dimension; NaN where one lacks a temperature, time, lag or waiting time.

    Variables must agree; only attributes that all parts share are kept.
    """
    return xr.concat(
        parts, along, data_vars="all", coords="different", compat="equals", join="outer", combine_attrs="drop_conflicts"
    )
