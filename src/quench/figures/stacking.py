"""Panels, widths or waiting times of one figure as one dataset."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr


def joined(parts: Sequence[xr.Dataset], along: str) -> xr.Dataset:
    """Datasets of one variable set along a new dimension, NaN where one lacks a temperature, time, lag or waiting time.

    Attributes are those that all have in common.
    """
    return xr.concat(
        parts, along, data_vars="all", coords="different", compat="equals", join="outer", combine_attrs="drop_conflicts"
    )
