"""Checksums of datasets."""

import numpy as np
import xarray as xr

from quench.store.checksum import content_key


def test_any_change_of_the_values_changes_the_content_key():
    dataset = xr.Dataset({"x": (("sample", "component"), np.arange(6.0).reshape(3, 2))})
    assert content_key(dataset) == content_key(dataset.copy(deep=True).assign_attrs(config="other"))
    changed = dataset.copy(deep=True)
    changed["x"][2, 1] = np.nextafter(5.0, 6.0)
    assert content_key(dataset) != content_key(changed)
