"""Long names and units of the plotted numbers: the attributes of the variables in a figure's NetCDF file.

A name consists of a quantity, a suffix for what is derived from it (``_low``: lower end of its 95 % interval; ``_single``:
of each network) and, where a file contains several of a kind, a prefix (``ttt_``: of the scan over lambda). Quantities of
several figures are listed here; a quantity of one figure, or one with another meaning there, is listed in ``MEANS`` of that
figure's module.
"""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

# A long name, with units unless it is dimensionless.
Meaning = str | tuple[str, str]
MEANINGS: dict[str, Meaning] = {
    # Networks, data and runs
    "n_networks": "number of networks",
    "networks": "number of networks",
    "n_diverged": "number of networks that diverged",
    "diverged": "number of networks that diverged",
    "n_apart": "number of networks in another state, which are averaged apart",
    "n_censored": "number of times beyond the longest lag",
    "n_weights": "number of weights",
    "n_train": "number of training samples",
    "P_D": "number of training samples P_D",
    "width": "width n of the hidden layers",
    "ratio": "weights per training sample, N/P_D",
    "weight_decay": "strength lambda of the weight regularisation",
    "strength": "strength lambda of the weight regularisation",
    "temperature": "temperature T",
    "batch_size": "batch size b",
    "rate": "learning rate",
    "step_size": "step size mu of the Langevin dynamics",
    "epochs": ("epochs of SGD", "epochs"),
    "epoch": ("length of an epoch", "updates"),
    "steps": ("length of the run", "updates"),
    "title": "name of the network",
    "panel": "name of the run or network",
    "seed": "seed of each network",
    "network": "number of the network",
    # Axes
    "time": ("updates since the start", "updates"),
    "lag": ("lag t", "updates"),
    "waiting_time": ("waiting time t_w", "updates"),
    "scaled_time": "t / tau90",
    "chi": "ratio chi of sigma to the overlap length epsilon",
    "bound": "value, or end of its 95 % interval",
    "regime": "where t_w lies among t1 and t2",
    "window": "up to which lag curves are compared",
    "rescaling": "what the displacement is divided by",
    "decade": "decade of lag, its power of ten",
    "preparation_time": ("updates since the initial weights", "updates"),
    # Losses
    "preparation_loss": "training loss while the networks are prepared",
    "langevin_loss": "training loss of the Langevin dynamics",
    "loss": "final loss",
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "share of training samples that are classified correctly",
    "test_accuracy": "share of test samples that are classified correctly",
    "final_loss": "training loss at the end, mean over the last third",
    "constant_loss": "loss of the best constant output",
    "mean": "mean final loss",
    "median": "median final loss",
    "norm": "square |W|^2 of the weights",
    "threshold": "threshold of the transition",
    "thresholds": "threshold of the transition, of each network",
    "data_loss": "final data loss",
    "state": "state of the network at the end of training",
    # Overlap and relaxation
    "overlap_brownian": "overlap Q of free Brownian weights",
    "tau90_brownian": ("tau90 of free Brownian weights", "updates"),
    "tau90": ("time tau90 at which Q has fallen to 0.9", "updates"),
    "tau_e_brownian": ("tau_e of free Brownian weights", "updates"),
    "longest_lag": ("longest lag", "updates"),
    "frozen": ("relaxation time at T = 0", "updates"),
    "kink": "temperature T* at which the Brownian line meets the relaxation time at T = 0",
    "departure": "t / tau90 at which a curve leaves the Brownian one by 15 %",
    "scores": "scatter of log Q over the temperatures",
    "axis": "whether the axis is t / tau90 or t",
    "left_out": "which network is left out; 0: none",
    "exponent": "exponent of the fitted power law",
    "exponent_intercept": "logarithm of the fitted power law at 1",
    "exponent_brownian": "exponent of free Brownian weights in the same window",
    "fit_low": "lower end of the window of the fit",
    "fit_high": "upper end of the window of the fit",
    "plateau": "plateau q_EA of the correlation",
    # Displacement and heterogeneity
    "displacement": "mean square displacement Delta(t_w, t_w + t)",
    # Learning
    "t1": ("time t1 at which learning starts", "updates"),
    "t2": ("time t2 at which the loss has reached its bottom", "updates"),
    "noise": "strength D of the gradient noise",
    "noise_arrival": ("time at which D has fallen to a tenth of its maximum", "updates"),
    "gradient_square": "square |grad L|^2 of the full gradient",
    "raw": "displacement Delta",
    "initial_noise": "Delta / D(t_w)",
    "accumulated_noise": "Delta over the accumulated noise, the sum of D from t_w to t_w + t",
    "prediction": "Delta over alpha^2 [sum D / B + (sum |grad L|)^2 / M]",
    "amplitude": "Delta over (alpha^2/B) sum D; 1 for uncorrelated noise",
    "score": "scatter S of the curves over t_w, in decades",
    "level": "displacement at which times are compared",
    "reach": ("time to the displacement of the dotted line", "updates"),
    "ageing_exponent": "exponent of the time to a fixed displacement against t_w",
    "ageing_intercept": "logarithm of that power law at t_w = 1",
    # Theory
    "violation": "fluctuation-dissipation ratio X of ageing",
    "threshold_energy": "threshold energy E_th",
}
_ENDS = {
    "_low": ", lower end of its 95 % interval",
    "_high": ", upper end of its 95 % interval",
    "_error": ", standard error",
    "_sensitivity": ", its range over other thresholds of the rule",
    "_interval": ", its 95 % interval over networks",
    "_single": ", of each network",
}
_OF = {"map_": "plane: ", "uot_": "lambda = 0: ", "ttt_": "one width: ", "sgd_": "SGD: "}


def described(numbers: xr.Dataset, means: Mapping[str, Meaning]) -> xr.Dataset:
    """``numbers`` with ``long_name`` and ``units``: from ``means``, else their own, else composed of known quantities."""
    numbers, known = numbers.copy(), {**MEANINGS, **means}
    for name, variable in numbers.variables.items():
        if name in means or "long_name" not in variable.attrs:
            numbers[name].attrs |= attributes(str(name), known) or {}
    return numbers


def attributes(name: str, known: Mapping[str, Meaning] = MEANINGS) -> dict[str, str] | None:
    """``long_name`` and ``units`` of a variable; None for a name that is not composed of ``known`` quantities."""
    if name in known:
        meaning = known[name]
        long_name, units = (meaning, "1") if isinstance(meaning, str) else meaning
        return {"long_name": long_name, "units": units}
    for end, words in _ENDS.items():
        if name.endswith(end) and (found := attributes(name.removesuffix(end), known)):
            return found | {"long_name": found["long_name"] + words}
    for start, words in _OF.items():
        if name.startswith(start) and (found := attributes(name.removeprefix(start), known)):
            return found | {"long_name": words + found["long_name"]}
    return None
