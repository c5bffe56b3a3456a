"""Backend of each part of a scenario: the fused engine where it can do the work and ``compute.backend`` allows it."""

from __future__ import annotations

from quench.config.sections import Scenario
from quench.dynamics.choices import LOSSES, backend_for, classifier_backend
from quench.networks.models import MODELS


class Engines:
    """Names of the backends that train the networks of ``scenario``."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def _backend(self, loss: str = LOSSES[0], optimiser: str = "sgd") -> str:
        return backend_for(self.scenario.compute.backend, self.scenario.compute.device, loss, optimiser)

    def scans(self) -> str:
        return self._backend()

    def ensemble(self, name: str) -> str:
        """Backend of an ensemble's preparation, and of gradients at its weights."""
        return self._backend(self.scenario.ensembles[name].loss)

    def run(self, name: str) -> str:
        loss = self.scenario.ensembles[self.scenario.runs[name].ensemble].loss
        return self._backend(loss, self.scenario.runs[name].optimiser)

    def classifier(self, name: str) -> str:
        """Backend of a classifier's updates."""
        section = self.scenario.classifiers[name]
        kind, device = MODELS[section.model].kind, self.device(name)
        return classifier_backend(self.scenario.compute.backend, device, kind, section.weight_decay)

    def device(self, name: str) -> str:
        """Device of a classifier."""
        return self.scenario.classifiers[name].device or self.scenario.compute.device

    def beyond_fused(self) -> list[str]:
        """Ensembles and runs that need the reference backend while the fused engine trains the others."""
        if self.scans() != "fused":
            return []
        ensembles = [f"ensembles.{name}" for name in self.scenario.ensembles if self.ensemble(name) != "fused"]
        return ensembles + [f"runs.{name}" for name in self.scenario.runs if self.run(name) != "fused"]
