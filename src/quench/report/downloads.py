"""Files that the page offers: the plotted numbers as tables, and the claims."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import xarray as xr

# The time of the files in an archive; the page holds no clock time.
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Bytes of tables above which a figure offers its NetCDF file alone, so that the page stays below 20 MB.
LARGE = 150_000


def tables(numbers: xr.Dataset) -> bytes:
    """A ZIP archive with one CSV table for all variables of the same dimensions, named by these.

    A row without any value is left out; numbers have seven digits. Single numbers are in ``numbers.csv``.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, variable in numbers.data_vars.items():
        groups.setdefault(tuple(map(str, variable.dims)), []).append(str(name))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for dims, names in groups.items():
            if dims:
                text = numbers[names].to_dataframe()[names].dropna(how="all").to_csv(float_format="%.7g")
            else:
                text = "name,value\n" + "".join(f"{name},{numbers[name].item()}\n" for name in names)
            name = "_".join(dims or ("numbers",)) + ".csv"
            # The entry's own method counts, not the archive's.
            opened.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED, 9)
    return archive.getvalue()


def claims(rows: Sequence[dict[str, Any]]) -> bytes:
    """The table of claims as CSV: a row per claim, without the page's own ``mark``."""
    text = io.StringIO()
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "mark"]
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
