"""Sections of the glass: quenches of the p-spin model solved at infinite N, and 3-spin simulations at finite N."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from quench.config.base import Section, key
from quench.errors import QuenchError
from quench.theory.covariance import LARGEST_K
from quench.theory.pspin.model import Model, quenched
from quench.theory.pspin.times import DEFAULTS, Times

Term = tuple[Annotated[int, Field(ge=1, le=LARGEST_K)], Annotated[float, Field(gt=0, le=1e6)]]
Moment = Annotated[float, Field(ge=0, le=1e6)]


class Quench(Section):
    """A quench of the spherical p-spin glass, pure or mixed, solved at infinite N (docs/pspin.md).

    Times are in units of the inverse friction. A list of times is text; FIRST:LAST:N stands for N times per decade.
    """

    p: int | None = key(
        None, "f(C) = C^p / 2 is the covariance of the energies; null is 3, unless terms are given", ge=2, le=20
    )
    terms: tuple[Term, ...] = key(
        (), "pairs of k and a_k: f(C) = sum of a_k C^k, instead of p; a_1 is the variance of a random field"
    )
    initial_temperature: float | None = key(
        None, "T0, the system is in equilibrium before the quench (k_B = 1); null is infinite", gt=0, le=1e6
    )
    temperature: float = key(0.5, "T after the quench", ge=0, le=1e6)
    t_max: float | None = key(None, "end of the solution; null takes the latest requested time", gt=0, le=1e15)
    times: str = key(DEFAULTS["times"], "times of the energy")
    waiting_times: str = key(DEFAULTS["waiting_times"], "t_w of correlation and response")
    lags: str = key(DEFAULTS["lags"], "lags of correlation and response; pairs beyond t_max are left out")
    resolution: Literal["fast", "standard", "long", "fine"] = key(
        "standard", "resolution of the time grid; long reaches furthest"
    )
    accuracy: float = key(1e-5, "largest allowed estimate of the error; the solution ends where it is exceeded", gt=0)

    @model_validator(mode="after")
    def _within(self) -> Quench:
        try:
            self.model()
            Times.of(self.times, self.waiting_times, self.lags, self.t_max)
        except QuenchError as error:
            raise ValueError(str(error)) from None
        return self

    def model(self) -> Model:
        """The model that is solved. Raises ``QuenchError`` where the equations do not hold."""
        return quenched(self.p, self.temperature, terms=self.terms, initial_temperature=self.initial_temperature)


class Simulation(Section):
    """A Langevin simulation of the spherical 3-spin glass, quenched from infinite temperature."""

    PLANNING = frozenset({"seeds", "first_seed"})

    spins: int = key(..., "N, number of spins", ge=3, le=400)
    temperature: float = key(0.5, "T of the bath (k_B = 1)", ge=0, le=1e6)
    seeds: int = key(16, "realisations of the couplings; their seeds are first_seed, first_seed + 1, ...", ge=2)
    first_seed: int = key(0, "seed of the first realisation", ge=0, le=2**62)
    replicas: int = key(32, "trajectories in each realisation", ge=1)
    times: tuple[Moment, ...] = key((), "times of the energy, multiples of step")
    waiting_times: tuple[Moment, ...] = key((), "t_w of the correlation, multiples of step")
    lags: tuple[Moment, ...] = key((), "lags of the correlation, multiples of step")
    step: float = key(0.02, "time step of the integration", gt=0, le=0.1)

    @model_validator(mode="after")
    def _on_the_grid(self) -> Simulation:
        for field in ("times", "waiting_times", "lags"):
            for value in getattr(self, field):
                if abs(value / self.step - round(value / self.step)) > 1e-6:
                    raise ValueError(f"{field}: {value:g} is not a multiple of the step {self.step:g}")
        if not self.times and not (self.waiting_times and self.lags):
            raise ValueError("nothing to measure: declare times, or waiting_times and lags")
        return self
