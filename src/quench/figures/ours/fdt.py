"""The fluctuation-dissipation relation of networks beside that of the p-spin glass, and effective temperatures.

Needs ``response``: Langevin runs; ``runs``: the same, for tau90 at T = 0; ``glass``: one solved quench to below T_d, and
any number of simulations at finite N, of which the largest is shown.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quench.estimators.fluctuation_dissipation import drift_temperature
from quench.figures import style
from quench.figures.figure_inputs import FigureInputs
from quench.figures.kwj.panels import title
from quench.figures.ours import responses
from quench.figures.theory import fdt as glass
from quench.figures.theory import solved
from quench.networks.state import singles
from quench.numerics import intervals
from quench.store.variables import config_of
from quench.theory import brownian

NEEDS = {"response": 2, "runs": 2, "glass": 1}
LABEL = "Fluctuation and dissipation of networks"
TITLE = "Fluctuation and dissipation in a training network and in the p-spin glass"
CAPTION = (
    "The response chi of the weights to a field that is switched on at t_w, from the correlation of their displacement with "
    "the noise; no field is applied. X = 2 T chi/MSD is 1 in equilibrium (FDT). (a) The ageing 3-spin glass at infinite N: "
    "T chi against the correlation; points: simulated spins, measured as the networks are, with 95 % intervals. "
    "(b, c) T chi against half the mean square displacement, from hot (red) to cold (blue); "
    "solid: the oldest t_w, dashed: the youngest. Cold networks are displaced far beyond what FDT allows (dotted). (d) X "
    "against the lag; grey: the overparameterised phase, whose weights are free. (e) Effective temperature T/X at the lag "
    "nearest to 1,000 updates; lines: T + T_0 with one drift temperature T_0 for each phase; T* is where the Brownian line "
    "meets tau90 at T = 0. (f) X at the same lag, by layer, at the temperature of the title."
)
MEANS = {
    **responses.MEANS,
    "glass_correlation": "correlation C(t_w + t, t_w) of the 3-spin glass",
    "glass_response": "integrated response T chi(t_w + t, t_w) of the 3-spin glass",
    "spins_correlation": "correlation C(t_w + t, t_w) of simulated spins",
    "spins_response": "integrated response T chi(t_w + t, t_w) of simulated spins",
    "spins_waiting_time": "waiting time t_w of simulated spins",
    "spins_lag": "lag t of simulated spins",
    "glass_waiting_time": "waiting time t_w of the 3-spin glass",
    "glass_lag": "lag t of the 3-spin glass",
    "frozen_single": ("tau90 at T = 0 of each network", "updates"),
    "kink_single": "temperature T* at which the Brownian line meets tau90 at T = 0, of each network",
    "drift_single": "drift temperature T_0 = T (1/X - 1) at tau90 of T = 0, of each network",
    "drift": "drift temperature T_0, geometric mean over networks and temperatures",
}
LAG = 1000
# At hotter and colder ones X is 1 or 0 within its error.
WINDOW = (0.02, 0.9)
COLDEST = 1e-8


def compute(inputs: FigureInputs) -> xr.Dataset:
    """Numbers of ``responses.of_run`` (panel, ...), T* and T_0 of every network, and the curves of the glass."""
    names = list(inputs.of("response"))
    numbers = responses.stacked(inputs).drop_vars("layer_ratio_single")
    frozen = xr.concat([_frozen(inputs, name) for name in names], xr.Variable("panel", names), join="outer")
    numbers = numbers.merge(frozen)
    drifts = [_drift_temperatures(responses.oldest(numbers.sel(panel=name))) for name in names]
    numbers = numbers.merge(xr.concat(drifts, xr.Variable("panel", names), join="outer"), join="left")
    model, quench = solved.ageing(inputs, "ours.fdt")
    curves = glass.parametric(quench, model.temperature)[["correlation", "response"]]
    names_here = {name: f"glass_{name}" for name in ("correlation", "response", "lag", "waiting_time")}
    numbers = numbers.merge(curves.rename(names_here)).merge(_simulated(inputs, model.temperature))
    return numbers.assign_attrs(quench.attrs)


def _simulated(inputs: FigureInputs, temperature: float) -> xr.Dataset:
    """C and T chi with its interval of the largest simulation at ``temperature``; empty where there is none."""
    files = [one for group in inputs.of("glass").values() for one in group if "susceptibility_of_realisation" in one]
    files = [one for one in files if config_of(one)["temperature"] == temperature]
    if not files:
        return xr.Dataset()
    largest = max(files, key=lambda one: int(config_of(one)["n_spins"]))
    largest = largest.isel(lag=largest["lag"].values > 0)
    response, error = (temperature * largest[f"susceptibility{end}"] for end in ("", "_error"))
    half = intervals.quantile(largest.sizes["realisation"]) * error
    ends = {"response": response, "response_low": response - half, "response_high": response + half}
    found = xr.Dataset({"correlation": largest["correlation"], **ends})
    return found.rename({name: f"spins_{name}" for name in (*ends, "correlation", "lag", "waiting_time")})


def _frozen(inputs: FigureInputs, name: str) -> xr.Dataset:
    """tau90 at T = 0 and T* of every network: there its Brownian line meets that time. NaN for a run without T = 0."""
    files = [one for one in inputs.of("runs")[name] if config_of(one)["trajectory"]["temperature"] == 0]
    if not files:
        count = singles(inputs.of("runs")[name][0]).sizes["network"]
        return xr.Dataset({key: ("network", np.full(count, np.nan)) for key in ("frozen_single", "kink_single")})
    cold = singles(files[0]).isel(waiting_time=-1)
    trajectory, tau90 = config_of(cold)["trajectory"], cold["tau90"].values
    at_one = brownian.diffusion_constant(trajectory["step_size"], 1.0, trajectory["P_D"])
    # The Brownian time is inversely proportional to T.
    kink = np.array([brownian.tau90(epsilon, at_one) for epsilon in cold["epsilon"].values]) / tau90
    return xr.Dataset({"frozen_single": ("network", tau90), "kink_single": ("network", kink)})


def _drift_temperatures(one: xr.Dataset) -> xr.Dataset:
    """T_0 = T (1/X - 1) of a run: of every network at tau90 of T = 0 (temperature, network), and that of the run.

    The latter is the geometric mean over the temperatures of ``WINDOW`` at the lag ``LAG``.
    """
    near = responses.near(one, LAG)
    inside = (near["ratio_mean"] > WINDOW[0]) & (near["ratio_mean"] < WINDOW[1])
    drift = drift_temperature(near["temperature"], near["ratio_mean"]).where(inside)
    of_run = np.exp(xr.DataArray(np.log(drift)).mean("temperature"))
    ratios = responses.even(one)["ratio_single"]

    def at(ratio: np.ndarray, lag: float) -> float:
        known = np.isfinite(ratio)
        inside = known.any() and ratios["lag"].values[known][0] <= lag <= ratios["lag"].values[known][-1]
        return float(np.interp(np.log(lag), np.log(ratios["lag"].values[known]), ratio[known])) if inside else np.nan

    found = xr.apply_ufunc(at, ratios, one["frozen_single"], input_core_dims=[["lag"], []], vectorize=True)
    single = drift_temperature(one["temperature"], found)
    return xr.Dataset({"drift": of_run, "drift_single": single}).drop_vars(
        ["panel", "waiting_time", "lag"], errors="ignore"
    )


def draw(numbers: xr.Dataset) -> Figure:
    figure, axes = style.new(3, rows=2, height=2.9)
    landscape, free = _phases(numbers)
    _glass(axes[0, 0], numbers)
    for ax, name in zip(axes[0, 1:], landscape[:2], strict=False):
        _fluctuation(ax, numbers.sel(panel=name))
    _ratios(axes[1, 0], numbers, landscape[0], free)
    _temperatures(axes[1, 1], numbers)
    _layers(axes[1, 2], numbers)
    style.temperature_bar(figure, axes.flat, numbers["temperature"].values)
    return style.finish(figure, axes.flat, numbers)


def _phases(numbers: xr.Dataset) -> tuple[list[str], list[str]]:
    """The runs that the landscape drives, and those of free weights, whose X is above one half however cold they are."""
    names = [str(name) for name in numbers["panel"].values]
    ratios = responses.near(numbers.where(numbers["temperature"] >= COLDEST), LAG)["ratio_mean"]
    coldest = ratios.min(["temperature", "waiting_time"])
    free = [name for name in names if float(coldest.sel(panel=name)) > 0.5]
    return [name for name in names if name not in free] or names, free


def _glass(ax: Axes, numbers: xr.Dataset) -> None:
    waiting = numbers["glass_waiting_time"].values
    ax.plot([0, 1], [1, 0], **style.GUIDE)
    for row, color in enumerate(style.ages(waiting)):
        one = numbers.isel(glass_waiting_time=row)
        ax.plot(one["glass_correlation"], one["glass_response"], color=color, label=style.power(waiting[row]))
        if waiting[row] in numbers.get("spins_waiting_time", ()):
            spins = numbers.sel(spins_waiting_time=waiting[row])
            value, low, high = (spins[f"spins_response{end}"].values for end in ("", "_low", "_high"))
            style.points(ax, spins["spins_correlation"].values, value, low, high, color, ms=3)
    ax.annotate("FDT", (0.22, 0.8), fontsize=8, color="0.25")
    ax.set(xlabel="$C(t_w + t, t_w)$", ylabel=r"$T\,\chi(t_w + t, t_w)$", xlim=(0, 1), ylim=(0, 1.02))
    ax.set_title(f"3-spin glass, $T$ = {numbers.attrs['temperature']:g}")
    ax.legend(title="$t_w$", loc="upper right", ncols=2, fontsize=6.5)


def _fluctuation(ax: Axes, panel: xr.Dataset) -> None:
    ages = panel.dropna("waiting_time", how="all", subset=["ratio_mean"])
    for row, line in ((0, "--"), (-1, "-")):
        one = ages.isel(waiting_time=row)
        for place, color in enumerate(style.colors(one["temperature"].values)):
            # Below its error a response has no logarithm.
            at = one.isel(temperature=place)
            at = at.where(at["response_low"] > 0).dropna("lag", subset=["msd_mean", "response_mean"])
            ax.plot(at["msd_mean"] / 2, at["free"] * at["response_mean"] / 2, line, color=color, linewidth=0.9)
    values = ages["msd_mean"].values
    ends = np.array([np.nanmin(values), np.nanmax(values)]) / 2
    ax.plot(ends, ends, **style.GUIDE)
    ax.set(xscale="log", yscale="log", xlabel="MSD/2", ylabel=r"$T\,\chi(t_w + t, t_w)$")
    middle = float(np.sqrt(ends[0] * ends[1]))
    ax.annotate("FDT", (middle, middle), xytext=(-6, 4), textcoords="offset points", ha="right", fontsize=8)
    ax.set_title(title(str(panel["panel"].values)))


def _ratios(ax: Axes, numbers: xr.Dataset, name: str, free: list[str]) -> None:
    for other in free[:1]:
        one = responses.oldest(numbers.sel(panel=other))
        one = one.isel(temperature=one["temperature"].values >= COLDEST)
        ax.plot(one["lag"], one["ratio_mean"].transpose("lag", "temperature"), color="0.75", linewidth=0.7, zorder=1)
    one = responses.even(responses.oldest(numbers.sel(panel=name)))
    for row, color in enumerate(style.colors(one["temperature"].values, numbers["temperature"].values)):
        style.curve(ax, one["lag"].values, one.isel(temperature=row), "ratio", color)
    ax.axhline(1, **style.GUIDE)
    ax.set(xscale="log", xlabel="$t$ (updates)", ylabel="$X = 2T\\chi/$MSD", ylim=(-0.05, 1.3))
    ax.set_title(title(name))


def _temperatures(ax: Axes, numbers: xr.Dataset) -> None:
    for place, name in enumerate(numbers["panel"].values):
        color = f"C{place}"
        one = responses.near(responses.oldest(numbers.sel(panel=name)), LAG)
        one = one.where(one["temperature"] >= COLDEST, drop=True)
        temperature = one["temperature"].values
        value, ends = one["ratio_mean"].values, [one[f"ratio_{end}"].values for end in ("high", "low")]
        shown = (value > 0) & np.isfinite(value)
        low, high = (np.where(end > 0, temperature / np.where(end > 0, end, 1), np.inf)[shown] for end in ends)
        style.points(
            ax, temperature[shown], (temperature / value)[shown], low, high, color, ms=3, label=title(str(name))
        )
        if np.isfinite(float(numbers["drift"].sel(panel=name))):
            drift = float(numbers["drift"].sel(panel=name))
            line = np.geomspace(temperature.min(), temperature.max(), 60)
            ax.plot(line, line + drift, color=color, linewidth=0.8)
            kink = np.exp(float(np.log(numbers["kink_single"].sel(panel=name)).mean()))
            ax.plot(
                kink, kink + drift, marker="*", color=color, ms=10, mec="black", mew=0.5, linestyle="none", zorder=5
            )
    ax.set(xscale="log", yscale="log", xlabel="$T$", ylabel=r"$T_\mathrm{eff} = T/X$")
    reach = np.array([COLDEST, numbers["temperature"].values.max()])
    ax.plot(reach, reach, **style.GUIDE)
    ax.legend(loc="lower right", title="stars: $T^*$", title_fontsize=7)
    style.log_ticks(ax)


def _layers(ax: Axes, numbers: xr.Dataset) -> None:
    at = float(numbers["temperature"].values[np.abs(np.log(numbers["temperature"].values / 1e-4)).argmin()])
    for place, name in enumerate(numbers["panel"].values):
        one = responses.near(responses.oldest(numbers.sel(panel=name)), LAG)
        if at not in one["temperature"].values:
            continue
        one = one.sel(temperature=at)
        value, low, high = (one[f"layer_ratio_{end}"].values for end in ("mean", "low", "high"))
        style.points(ax, one["layer"].values + 0.08 * (place - 1), value, low, high, f"C{place}", linestyle="-", lw=0.8)
    ax.axhline(1, **style.GUIDE)
    ax.set(xlabel="layer (0: at the input)", ylabel="$X$", ylim=(-0.05, None))
    ax.set_title(f"$T$ = {style.power(at)}")
