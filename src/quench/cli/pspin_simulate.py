"""Langevin simulation of the spherical 3-spin glass at finite size, after a quench from infinite temperature.

Energies and correlations with standard errors over realisations of the couplings, one a seed; as the number of spins
grows they tend to the solution of the Cugliandolo-Kurchan equations. Times must be multiples of the step.

quench pspin-simulate --spins 200 --temperature 0.5 --seeds 0-9 --times 0.1,1,10 --waiting-times 1 --lags 0.1,1 -o glass.nc
"""

from __future__ import annotations

import argparse

from quench.cli.options import add_output, bounded, check_output, integers, numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spins", type=bounded(int, 3), required=True, help="N, up to 400")
    parser.add_argument("--temperature", type=bounded(float, 0.0), default=0.5, help="T of the bath (default: 0.5)")
    parser.add_argument("--seeds", type=integers, required=True, help="realisations of the couplings: 0-9 or 1,5,7")
    parser.add_argument("--times", type=numbers, default=(), help="times of the energy")
    parser.add_argument("--waiting-times", type=numbers, default=(), help="t_w of the correlation")
    parser.add_argument("--lags", type=numbers, default=(), help="lags of the correlation")
    parser.add_argument(
        "--step", type=bounded(float, 0.0, open_low=True), default=0.02, help="time step (default: 0.02)"
    )
    parser.add_argument(
        "--replicas", type=bounded(int, 1), default=32, help="trajectories per realisation (default: 32)"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    from quench.errors import QuenchError
    from quench.provenance import steps
    from quench.store import files
    from quench.theory import finite_size

    if len(args.seeds) < 2:
        raise QuenchError("--seeds: standard errors need at least two realisations")
    check_output(args.output)
    config = {
        "p": 3,
        "n_spins": args.spins,
        "temperature": args.temperature,
        "seeds": list(args.seeds),
        "times": list(args.times),
        "waiting_times": list(args.waiting_times),
        "lags": list(args.lags),
        "step": args.step,
        "replicas": args.replicas,
    }
    ensemble = finite_size.simulate(
        args.spins,
        args.seeds,
        args.times,
        args.waiting_times,
        args.lags,
        temperature=args.temperature,
        step=args.step,
        replicas=args.replicas,
    )
    dataset = _dataset(ensemble, args.seeds, args.temperature)
    files.write(dataset, args.output, kind="glass", config=config, code=steps.code("pspin-simulate"))


def _dataset(ensemble, seeds: tuple[int, ...], temperature: float):
    """The ``glass`` contract: means and standard errors, and every realisation beside them."""
    import xarray as xr

    from quench.store.files import described
    from quench.theory.finite_size import mean_and_error

    energy, energy_error = mean_and_error(ensemble.energy)
    correlation, correlation_error = mean_and_error(ensemble.correlation)
    pair, every = ("waiting_time", "lag"), ("realisation",)
    source = "Langevin simulation; Baity-Jesi et al. 2018, Fig. 1, at finite N"
    over = "over realisations of the couplings"
    return xr.Dataset(
        {
            "energy": described(energy, ("time",), "energy per spin", references=source),
            "energy_error": described(energy_error, ("time",), f"standard error of energy, {over}"),
            "energy_of_realisation": described(ensemble.energy, (*every, "time"), "energy, mean over replicas"),
            "mu": described(temperature - 3 * energy, ("time",), "Lagrange multiplier T - 3 E", references=source),
            "mu_error": described(3 * energy_error, ("time",), f"standard error of mu, {over}"),
            "correlation": described(correlation, pair, "C(t_w + lag, t_w)", references=source),
            "correlation_error": described(correlation_error, pair, f"standard error of correlation, {over}"),
            "correlation_of_realisation": described(
                ensemble.correlation, (*every, *pair), "correlation, mean over replicas"
            ),
            "displacement": described(2 * (1 - correlation), pair, "Delta = 2 (1 - C)", references=source),
            "displacement_error": described(2 * correlation_error, pair, f"standard error of displacement, {over}"),
        },
        {
            "time": described(ensemble.times, ("time",), "time since the quench"),
            "waiting_time": described(ensemble.waiting_times, ("waiting_time",), "waiting time since the quench"),
            "lag": described(ensemble.lags, ("lag",), "time since the waiting time"),
            "seed": described(seeds, every, "seed of the realisation"),
        },
    )
