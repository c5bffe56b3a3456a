"""Ageing of any runs: displacement, overlap, non-Gaussianity and relaxation time at every waiting time.

Needs ``external``: recorded runs, or ``runs``: runs of the scenario, each with a panel per temperature or batch size.
``fit``: the window of t_w for the exponent; ``collapse``: also against t / t_w; ``rates``: updates and learning rates, in
whose time everything is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.errors import QuenchError
from quench.estimators import ageing as estimators
from quench.estimators import clock
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs, check_measured
from quench.figures.kwj import ageing
from quench.figures.stacking import stack_panels
from quench.networks.state import singles
from quench.observables.lengths import RESOLVED, mean_sigma, resolved_lengths
from quench.store.variables import config_of

NEEDS = {"external or runs": 1}
TITLE = "Ageing"
CAPTION = (
    "From the youngest (dark) to the oldest (bright) waiting time t_w: mean square displacement, overlap and non-Gaussian "
    "parameter against the lag t, means over networks with 95 % bands, and the time tau90 at which the overlap "
    "has fallen to 0.9; small points: single networks; dashed: maximum-likelihood power law of the single networks, over "
    "the t_w at which tau90 is at least ten updates. Networks that do not reach 0.9 are censored at the longest lag. Two "
    "further panels, if present, show the curves against t/t_w."
)
CURVES = ("msd", "overlap", "alpha2")
CLOCK = "updates at the largest rate"


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Curves (panel, waiting_time, lag) and tau90 (panel, waiting_time) with their intervals; exponents (panel)."""
    kept = [f"{quantity}_{end}" for quantity in (*CURVES, "tau90") for end in ("mean", "low", "high")]
    parts = []
    for name, run in _shown(inputs).items():
        if not {*kept, "tau90", "longest_lag", "averaged"} <= set(run.variables):
            raise QuenchError(f"{name}: no averaged observables; write them with quench observe")
        _check(name, run, kept, inputs.choices.get("fit"))
        one = run[kept].drop_vars(["seed", "diverged_at", "state"], errors="ignore")
        one = one.assign(_fitted(run, inputs.choices))
        facts = {"n_weights": int(run["n_weights"]), "n_networks": int(run["averaged"].sum())}
        parts.append(one.assign(facts).expand_dims(panel=[name]))
    if not parts:
        raise QuenchError("own_ageing: give runs or external runs")
    unit = CLOCK if inputs.choices.get("rates") else "updates"
    return stack_panels(parts).assign_attrs(collapse=int(inputs.choices.get("collapse", False)), clock=unit)


def answers(inputs: FigureInputs) -> dict[str, str]:
    """Whether each run ages, in words, by its name."""
    unit = CLOCK if inputs.choices.get("rates") else "updates"
    found = {}
    for name, run in _shown(inputs).items():
        fitted = _fitted(run, inputs.choices)
        low, high = fitted["fit_low"], fitted["fit_high"]
        inside = (run["waiting_time"] >= low) & (run["waiting_time"] <= high)
        msd = run["msd_mean"].sel(waiting_time=inside) if inside.sum() > 1 else run["msd_mean"]
        lengths = resolved_lengths(msd, mean_sigma(run))
        value, lower, upper = (float(fitted[f"exponent{end}"]) for end in ("", "_low", "_high"))
        fastest = float(run["tau90"].where(inside).min())
        fit = estimators.Fit(value, lower, upper, low, high, int(run["averaged"].sum()), fastest)
        by_length = estimators.exponents_by_length(msd, mean_sigma(run), lengths)
        found[name.replace(r"\$", "$")] = estimators.in_words(fit, by_length, lengths, unit)
    return found


def _fitted(run: xr.Dataset, choices: Mapping[str, Any]) -> dict[str, Any]:
    """``ageing.fitted``; the interval of one network follows from the scatter about its power law."""
    window = choices.get("fit") or _resolved(run)
    run = singles(run)
    found = ageing.fitted(run, window)
    if run.sizes["network"] == 1 and np.isfinite(run["tau90"]).all():
        ages = run["waiting_time"].values
        inside = (ages >= max(window[0], 1)) & (ages <= window[1])
        _, low, high = estimators.of_one_network(ages[inside], found["tau90_single"][1][inside, 0])
        found |= {"exponent_low": low, "exponent_high": high}
    return found


def _check(name: str, run: xr.Dataset, kept: Sequence[str], window: Sequence[float] | None) -> None:
    """Raise ``QuenchError`` where a variable of ``kept`` cannot be drawn, or a declared window of t_w holds no two."""
    for quantity in kept:
        dims = ("waiting_time",) if quantity.startswith("tau90") else ("waiting_time", "lag")
        if run[quantity].dims != dims or run[quantity].dtype.kind not in "iuf":
            raise QuenchError(f"{name}: {quantity} must hold numbers along {' and '.join(dims)}")
    check_measured(name, run)
    ageing.check_window(name, run, window)


def _shown(inputs: FigureInputs) -> dict[str, xr.Dataset]:
    """The observables of every panel by its title; a run has a panel per temperature or batch size."""
    rates = inputs.choices.get("rates")
    # A file's name may hold $, between which matplotlib expects a formula.
    found = {
        name.replace("$", r"\$"): clock.rescaled(run, *rates) if rates else run
        for name, (run,) in inputs.of("external").items()
    }
    for name, points in inputs.of("runs").items():
        for run in points:
            known = config_of(run).get("trajectory", {})
            hot = "temperature" in known
            point = f"$T$ = {style.power(known['temperature'])}" if hot else f"$B$ = {known['batch_size']}"
            found[f"{name}, {point}"] = run
    return found


def _resolved(run: xr.Dataset) -> tuple[float, float]:
    """The window of t_w in which no network reaches tau90 within a few updates."""
    fast = (run["tau90"] < RESOLVED).any("network").values
    after = run["waiting_time"].values[np.flatnonzero(fast)[-1] + 1 :] if fast.any() else run["waiting_time"].values
    return (float(after[0]) if after.size else np.inf), np.inf


def draw(numbers: xr.Dataset) -> Figure:
    names = [str(name) for name in numbers["panel"].values]
    columns = 3 if numbers.attrs["collapse"] else 2
    figure, axes = style.new(columns, rows=2 * len(names))
    for row, name in enumerate(names):
        one, block = ageing.panel(numbers, name), axes[2 * row : 2 * row + 2]
        _displacements(block[0, 0], one)
        ageing.draw_overlaps(block[0, 1], one)
        _non_gaussianity(block[1, 0], one)
        ageing.draw_times(block[1, 1], one)
        if columns == 3:
            _collapsed(block[0, 2], one, "msd", r"$\Delta(t_w, t_w + t)$")
            _collapsed(block[1, 2], one, "overlap", "$Q(t, t_w)$")
        networks = int(one["n_networks"])
        count = f"{networks} network{'s' if networks > 1 else ''} of {int(one['n_weights']):,} weights"
        block[0, 0].set_title(f"{name}\n{count}", fontsize=8)
    for ax in axes.flat:
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_label_text(axis.get_label_text().replace("updates", numbers.attrs["clock"]))
    return style.finish(figure, axes.flat, numbers)


def _curve(ax: Axes, one: xr.Dataset, quantity: str, scaled: bool = False, positive: bool = False) -> None:
    """A quantity against t, or against t / t_w, at every waiting time."""
    ages = one["waiting_time"].values
    for row, color in enumerate(style.ages(ages)):
        if scaled and not ages[row]:
            continue
        time = one["lag"].values / (ages[row] if scaled else 1)
        style.curve(ax, time, one.isel(waiting_time=row), quantity, color, positive=positive)
    ax.set(xscale="log", xlabel="$t/t_w$" if scaled else "$t$ (updates)")


def _displacements(ax: Axes, one: xr.Dataset) -> None:
    _curve(ax, one, "msd", positive=True)
    ax.set(yscale="log", ylabel=r"$\Delta(t_w, t_w + t)$")
    style.log_ticks(ax)


def _non_gaussianity(ax: Axes, one: xr.Dataset) -> None:
    _curve(ax, one, "alpha2")
    ax.axhline(0, **style.GUIDE)
    # At first a few weights may make most of the displacement.
    if float(one["alpha2_high"].max()) > 3:
        ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(bottom=1.3 * np.nanmin([-0.2, float(one["alpha2_low"].min())]))
    ax.set(ylabel=r"$\alpha_2(t, t_w)$")
    style.log_ticks(ax)


def _collapsed(ax: Axes, one: xr.Dataset, quantity: str, label: str) -> None:
    _curve(ax, one, quantity, scaled=True, positive=quantity == "msd")
    if quantity == "msd":
        ax.set(yscale="log", ylabel=label)
        style.log_ticks(ax)
    else:
        ax.set(ylim=(0, 1.03), ylabel=label)
