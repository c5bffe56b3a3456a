"""Observables in the time of a learning-rate schedule: integrals and curves with known answers."""

import numpy as np
import pytest
import xarray as xr

from quench.errors import QuenchError
from quench.estimators import clock


def test_time_is_the_integral_of_the_rate_over_the_largest_one():
    updates, rates = np.array([0.0, 100.0, 200.0]), np.array([0.0, 0.5, 0.5])
    # Half of u^2 / 100 during the warm-up, then as many updates as pass.
    np.testing.assert_allclose(clock.integrated([0, 50, 100, 150, 1000], updates, rates), [0, 12.5, 50, 100, 950])
    np.testing.assert_allclose(
        clock.integrated([3, np.nan, np.inf], np.array([7.0]), np.array([1e-3])), [3, np.nan, np.inf]
    )


def test_diffusion_at_the_learning_rate_does_not_age_in_the_time_of_the_schedule():
    updates, rates = np.array([0.0, 1000.0]), np.array([0.0, 1e-3])
    ages, lags = np.array([100, 300, 1000]), np.concatenate([[0], np.geomspace(1, 1000, 200)])
    passed = clock.integrated(ages[:, None] + lags, updates, rates) - clock.integrated(ages, updates, rates)[:, None]
    reached = np.array([[float(np.interp(20.0, row, lags)) for row in passed]])
    run = xr.Dataset(
        {
            "msd_mean": (("waiting_time", "lag"), passed),
            "tau90": (("network", "waiting_time"), reached),
            "n_weights": 7,
        },
        coords={"waiting_time": ages, "lag": lags, "seed": ("network", [3])},
        attrs={"kind": "observables"},
    )
    # Older is faster in updates, and all ages are equal in the time of the schedule.
    assert (np.diff(reached[0]) < 0).all()
    found = clock.rescaled(run, updates, rates)
    np.testing.assert_allclose(found["waiting_time"], [5, 45, 500])
    np.testing.assert_allclose(found["tau90"], 20.0, rtol=1e-3)
    for row in found["msd_mean"].values:
        inside = np.isfinite(row)
        # Linear in log t between lags that are a factor 10^(3/199) apart, which is within their distance squared / 8.
        np.testing.assert_allclose(row[inside], found["lag"].values[inside], rtol=1e-3, atol=1e-9)
    assert found.attrs == run.attrs and int(found["n_weights"]) == 7 and found["seed"].values.tolist() == [3]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1,2,3\n", "two columns"), ("0 1\n0 2\n", "increasing updates"), ("0 0\n5 0\n", "above 0"), ("a b\n", "not a table"),
     ("0 1\n1\n", "not a table"), ("", "two columns"), ("0 -1\n", "increasing")],
)  # fmt: skip
def test_unusable_rates_are_refused_in_one_line(tmp_path, text, reason):
    (tmp_path / "rates.csv").write_text(text)
    with pytest.raises(QuenchError, match=rf"rates\.csv: .*{reason}") as caught:
        clock.read_rates(tmp_path / "rates.csv")
    assert "\n" not in str(caught.value)
    with pytest.raises(QuenchError, match="not a table"):
        clock.read_rates(tmp_path / "absent.csv")


def test_rates_are_read_from_two_columns(tmp_path):
    (tmp_path / "rates.csv").write_text("# update, rate\n0, 0\n\n100, 1e-3\n")
    updates, rates = clock.read_rates(tmp_path / "rates.csv")
    assert updates.tolist() == [0, 100] and rates.tolist() == [0, 1e-3]
