"""The simulations section: the 3-spin glass at finite N, which the solution at infinite N is held against."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from quench.config.base import Section, key

Moment = Annotated[float, Field(ge=0, le=1e6)]


class Simulation(Section):
    """A Langevin simulation of the spherical 3-spin glass, quenched from infinite temperature."""

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
            raise ValueError("nothing to measure: give times, or waiting_times and lags")
        return self
