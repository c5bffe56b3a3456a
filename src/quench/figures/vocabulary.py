"""What the plotted numbers are called, with their units: the attributes of the variables in a figure's NetCDF file.

Names are made of a quantity (below), what was done with it (``_low``: lower end of its 95 % interval) and, where a file
holds several of a kind, whose it is (``ttt_``: of the scan over lambda). A module whose names mean something else says so
itself: ``MEANS``, with the same entries.
"""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

_NONE = "1"
# Quantity: (long name, units).
QUANTITIES = {
    # Networks, data and runs
    "n_networks": ("number of networks", _NONE),
    "networks": ("number of networks", _NONE),
    "n_diverged": ("number of networks that diverged", _NONE),
    "diverged": ("number of networks that diverged", _NONE),
    "n_censored": ("number of times beyond the longest lag", _NONE),
    "n_weights": ("number of weights", _NONE),
    "n_train": ("number of training samples", _NONE),
    "n_classes": ("number of classes", _NONE),
    "n_spins": ("number of spins N", _NONE),
    "P_D": ("number of training samples P_D", _NONE),
    "width": ("width n of the hidden layers", _NONE),
    "ratio": ("weights per training sample, N/P_D", _NONE),
    "weight_decay": ("strength lambda of the weight regularisation", _NONE),
    "strength": ("strength lambda of the weight regularisation", _NONE),
    "temperature": ("temperature T", _NONE),
    "dense_temperature": ("temperatures T of the drawn line", _NONE),
    "bath": ("temperature T above T_d", _NONE),
    "batch_size": ("batch size b", _NONE),
    "rate": ("learning rate", _NONE),
    "step_size": ("step size mu of the Langevin dynamics", _NONE),
    "stiffness": ("stiffness k of the harmonic well", _NONE),
    "epochs": ("epochs of SGD", "epochs"),
    "epoch": ("length of an epoch", "updates"),
    "steps": ("length of the run", "updates"),
    "lag_max": ("longest lag", "updates"),
    "sampling": ("how batches are drawn", _NONE),
    "title": ("name of the network", _NONE),
    "panel": ("name of the run or network", _NONE),
    "seed": ("seed of each network", _NONE),
    "member": ("number of the network", _NONE),
    "network": ("number of the network", _NONE),
    "model": ("schematic model of mode-coupling theory", _NONE),
    # Axes
    "preparation_time": ("updates since the initial weights", "updates"),
    "time": ("updates since the start", "updates"),
    "lag": ("lag t", "updates"),
    "waiting_time": ("waiting time t_w", "updates"),
    "scaled_time": ("t / tau90", _NONE),
    "chi": ("ratio chi of sigma to the overlap length epsilon", _NONE),
    "motility": ("size |dw| of a displacement, log10", _NONE),
    "motility_lag": ("lag of the motility histogram", "updates"),
    "size": ("size of a weight", _NONE),
    "typical": ("root mean square displacement of a weight, mean over networks", _NONE),
    "bin": ("size |dw| of a displacement, log10, middle of the bin", _NONE),
    "index": ("number of the weight", _NONE),
    "bound": ("value, or end of its 95 % interval", _NONE),
    "regime": ("where t_w lies among t1 and t2", _NONE),
    "window": ("up to which lag curves are compared", _NONE),
    "rescaling": ("what the displacement is divided by", _NONE),
    "decade": ("decade of lag, its power of ten", _NONE),
    "line": ("number of the straight line in weight space", _NONE),
    "magnitude": ("|eigenvalue| over the largest", _NONE),
    "distance": ("distance sigma from the transition", _NONE),
    "x": ("first coordinate of the plane", _NONE),
    "y": ("second coordinate of the plane", _NONE),
    "kind": ("kind of landscape", _NONE),
    # Losses
    "preparation_loss": ("training loss while the networks are prepared", _NONE),
    "langevin_loss": ("training loss of the Langevin dynamics", _NONE),
    "loss": ("final loss", _NONE),
    "train_loss": ("training loss", _NONE),
    "test_loss": ("test loss", _NONE),
    "train_accuracy": ("share of training samples that are classified correctly", _NONE),
    "test_accuracy": ("share of test samples that are classified correctly", _NONE),
    "final_loss": ("training loss at the end, mean over the last third", _NONE),
    "constant_loss": ("loss of the best constant output", _NONE),
    "relative_loss": ("training loss at the end over that of the best constant output", _NONE),
    "mean": ("mean final loss", _NONE),
    "median": ("median final loss", _NONE),
    "norm": ("square |W|^2 of the weights", _NONE),
    "threshold": ("threshold of the transition", _NONE),
    "thresholds": ("threshold of the transition, of each network", _NONE),
    "rise": ("largest change of the loss between neighbouring lambda over its whole range, of each network", _NONE),
    "mean_rise": ("largest change of the mean loss between neighbouring lambda over its whole range", _NONE),
    "height": ("height of the landscape", _NONE),
    "cut": ("height of the landscape along the dashed line", _NONE),
    # Overlap and relaxation
    "overlap": ("overlap Q", _NONE),
    "overlap_brownian": ("overlap Q of free Brownian weights", _NONE),
    "overlap_plateau": ("overlap Q of the harmonic well at infinite time", _NONE),
    "tau90_brownian": ("tau90 of free Brownian weights", "updates"),
    "tau90_samples": ("tau90 of resampled ensembles", "updates"),
    "tau90_single": ("tau90 of each network", "updates"),
    "tau_e_brownian": ("tau_e of free Brownian weights", "updates"),
    "tau_e_samples": ("tau_e of resampled ensembles", "updates"),
    "frozen": ("relaxation time at T = 0", "updates"),
    "kink": ("temperature T* at which the Brownian line meets the relaxation time at T = 0", _NONE),
    "departure": ("t / tau90 at which a curve leaves the Brownian one by 15 %", _NONE),
    "left_master_curve": ("whether the curve, of a temperature above T*, leaves the Brownian one", _NONE),
    "score_scaled": ("scatter of log Q against t / tau90", _NONE),
    "score_raw": ("scatter of log Q against t", _NONE),
    "exponent": ("exponent of the fitted power law", _NONE),
    "exponent_intercept": ("logarithm of the fitted power law at 1", _NONE),
    "exponent_brownian": ("exponent of free Brownian weights in the same window", _NONE),
    "fit_low": ("lower end of the window of the fit", _NONE),
    "fit_high": ("upper end of the window of the fit", _NONE),
    "final_exponent": ("exponent of Q(t_f) against T", _NONE),
    "final_intercept": ("logarithm of the power law of Q(t_f) at T = 1", _NONE),
    "well_exponent": ("exponent of the well's Q at infinite time against T", _NONE),
    "well_final_exponent": ("exponent of the well's Q(t_f) against T", _NONE),
    "well_plateau": ("overlap Q of the harmonic well at infinite time", _NONE),
    "well_final": ("overlap Q of the harmonic well at t_f", _NONE),
    "plateau": ("plateau q_EA of the correlation", _NONE),
    "plateau_line": ("overlap Q of the harmonic well at infinite time, at the drawn temperatures", _NONE),
    # Displacement and heterogeneity
    "epsilon_squared": ("square of the overlap length epsilon", _NONE),
    "slope": ("local slope d log MSD / d log t", _NONE),
    "cold_ratio": ("displacement at the lowest T over that at T = 0", _NONE),
    "variance_level": ("T/(k P_D), the variance of a weight in the harmonic well", _NONE),
    "displacement": ("mean square displacement Delta(t_w, t_w + t)", _NONE),
    "density": ("share of weights per decade of |dw|", _NONE),
    "density_dead": ("share per decade of |dw| of weights without data gradient", _NONE),
    "density_live": ("share per decade of |dw| of weights with a data gradient", _NONE),
    "dip": ("Hartigan's dip statistic", _NONE),
    "dip_p": ("p value of the dip test", _NONE),
    "dip_p_corrected": ("p value of the dip test after Holm's correction", _NONE),
    "valley": ("depth of the valley between two modes", _NONE),
    "immobile": ("share of weights that did not move at all", _NONE),
    "dead": ("whether a weight has no data gradient", _NONE),
    "dead_share": ("share of weights without data gradient", _NONE),
    "immobile_share": ("share of immobile weights", _NONE),
    "immobile_of_dead": ("share of immobile weights among those without data gradient", _NONE),
    "immobile_of_live": ("share of immobile weights among those with one", _NONE),
    "dead_of_immobile": ("share of weights without data gradient among the immobile", _NONE),
    "immobile_size": ("median size of the immobile weights", _NONE),
    "mobile_size": ("median size of the mobile weights", _NONE),
    # Learning
    "t1": ("time t1 at which learning starts", "updates"),
    "t2": ("time t2 at which the loss has reached its bottom", "updates"),
    "noise": ("strength D of the gradient noise", _NONE),
    "noise_arrival": ("time at which D has fallen to a tenth of its maximum", "updates"),
    "relative_noise": ("D at the end over its maximum", _NONE),
    "gradient_square": ("square |grad L|^2 of the full gradient", _NONE),
    "raw": ("displacement Delta", _NONE),
    "initial_noise": ("Delta / D(t_w)", _NONE),
    "accumulated_noise": ("Delta over the accumulated noise, the sum of D from t_w to t_w + t", _NONE),
    "prediction": ("Delta over alpha^2 [sum D / B + (sum |grad L|)^2 / M]", _NONE),
    "amplitude": ("Delta over (alpha^2/B) sum D; 1 for uncorrelated noise", _NONE),
    "score": ("scatter S of the curves over t_w, in decades", _NONE),
    "gain": ("S of Delta over the accumulated noise, over that of Delta / D(t_w)", _NONE),
    "level": ("displacement at which times are compared", _NONE),
    "reach": ("time to the displacement of the dotted line", "updates"),
    "ageing_exponent": ("exponent of the time to a fixed displacement against t_w", _NONE),
    "ageing_intercept": ("logarithm of that power law at t_w = 1", _NONE),
    "ageing_score": ("scatter S of Delta over the accumulated noise", _NONE),
    "crossover": ("lag t* from which drift outweighs noise", "updates"),
    "flat": ("share of directions with |lambda| below a thousandth of the largest eigenvalue", _NONE),
    "negative": ("share of directions with lambda below minus a thousandth of the largest eigenvalue", _NONE),
    "cumulative": ("share of directions with |lambda| below", _NONE),
    "largest": ("largest eigenvalue of the Hessian, mean over networks", _NONE),
    "smallest": ("smallest eigenvalue over the largest, mean over networks", _NONE),
    "line_seeds_differ": ("whether a line joins two networks", _NONE),
    "line_start": ("update at the start of the line", "updates"),
    "full": ("whether the whole spectrum is known", _NONE),
    # Theory
    "phi": ("correlator phi of mode-coupling theory", _NONE),
    "error": ("estimated error of phi", _NONE),
    "critical_exponent": ("exponent of the critical decay", _NONE),
    "critical_scaled": ("critical phi against t / tau90", _NONE),
    "brownian_scaled": ("Q of free Brownian weights against t / tau90", _NONE),
    "relaxation": ("lag at which C has fallen to a level", _NONE),
    "violation": ("fluctuation-dissipation ratio X of ageing", _NONE),
    "threshold_energy": ("threshold energy E_th", _NONE),
    "equilibrium_energy": ("energy -1/(2T) of equilibrium", _NONE),
    "intercept": ("value of the fitted line at 1/N = 0", _NONE),
    "solution_at_times": ("energy E of the solution at infinite N", _NONE),
    "solution_correlation": ("correlation C of the solution at infinite N", _NONE),
}
# Of these ``_low`` and ``_high`` are the range over networks.
_RANGED = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "noise", "gradient_square", "flat", "negative")
_EXTREMES = {
    "_low": ", smallest of all networks",
    "_high": ", largest of all networks",
    "_value": ", mean over networks",
}
_ENDS = {
    "_low": ", lower end of its 95 % interval",
    "_high": ", upper end of its 95 % interval",
    "_error": ", standard error",
    "_sensitivity": ", its range over other thresholds of the rule",
    "_bootstrap": ", its 95 % interval over networks",
}
_OF = {"map_": "plane: ", "uot_": "lambda = 0: ", "ttt_": "one width: ", "sgd_": "SGD: "}


def told(name: str) -> dict[str, str] | None:
    """``long_name`` and ``units`` of a variable, or None for a name that is not made of what is known here."""
    if name in QUANTITIES:
        long_name, units = QUANTITIES[name]
        return {"long_name": long_name, "units": units}
    for end, words in (_EXTREMES if name.startswith(_RANGED) else _ENDS).items():
        if name.endswith(end) and (whole := told(name.removesuffix(end))):
            return whole | {"long_name": whole["long_name"] + words}
    for start, words in _OF.items():
        if name.startswith(start) and (whole := told(name.removeprefix(start))):
            return whole | {"long_name": words + whole["long_name"]}
    return None


def described(numbers: xr.Dataset, means: Mapping[str, tuple[str, str]]) -> xr.Dataset:
    """``numbers`` with ``long_name`` and ``units``: those of ``means``, else its own, else those that are known here."""
    numbers = numbers.copy()
    for name, variable in numbers.variables.items():
        if name in means:
            numbers[name].attrs |= dict(zip(("long_name", "units"), means[str(name)], strict=True))
        elif "long_name" not in variable.attrs and (attrs := told(str(name))):
            numbers[name].attrs |= attrs
    return numbers
