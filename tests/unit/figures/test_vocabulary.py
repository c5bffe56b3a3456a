"""Long names and units of plotted numbers."""

import xarray as xr

from quench.figures import vocabulary


def test_names_are_composed_of_known_quantities():
    assert vocabulary.attributes("ttt_threshold_low")["long_name"].startswith("one width: threshold")
    assert vocabulary.attributes("t1_interval") == {
        "long_name": "time t1 at which learning starts, its 95 % interval over networks", "units": "updates",
    }  # fmt: skip
    assert vocabulary.attributes("train_loss_low")["long_name"] == "training loss, lower end of its 95 % interval"
    assert vocabulary.attributes("noise_single")["long_name"].endswith(", of each network")
    assert vocabulary.attributes("mine") is None


def test_meanings_of_a_figure_come_first():
    numbers = xr.Dataset(
        {"ratio": 0.5, "ratio_low": 0.4, "loss": ((), 0.1, {"long_name": "its own"})}, coords={"lag": [1]}
    )
    found = vocabulary.described(numbers, {"ratio": "of two displacements"})
    assert found["ratio"].attrs == {"long_name": "of two displacements", "units": "1"}
    assert found["ratio_low"].attrs["long_name"] == "of two displacements, lower end of its 95 % interval"
    assert found["loss"].attrs["long_name"] == "its own" and found["lag"].attrs["units"] == "updates"
    assert not numbers["ratio"].attrs
