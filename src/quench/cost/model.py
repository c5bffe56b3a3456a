"""The cost model: work of every job of a scenario on the reference core, from the configuration alone.

It sets the resources that jobs request and proposes the sizes of chunks; ``quench cost`` prints it. Nothing in it enters a
fingerprint or changes a bit of a result.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from quench.config.backends import Engines
from quench.config.classifiers import Classifier
from quench.config.preparation import SGD
from quench.config.sections import Scenario
from quench.cost import disk, speed
from quench.cost.work import Work, rounds
from quench.data.sources import Source, find
from quench.dynamics.schedule import FINAL_MEASURES, Schedule
from quench.theory.pspin.times import Times


class Costs:
    """Work of the jobs of ``scenario``: a method for each rule, with the rule's wildcards as arguments."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.engines = Engines(scenario)
        # All jobs of a run or a scan share these.
        self.pretraining = functools.cache(self._pretraining)
        self.trajectory = functools.cache(self._trajectory)
        self.training = functools.cache(self._training)
        self.grid_point = functools.cache(self._grid_point)

    def work(self, rule: str, job: Mapping[str, str]) -> Work:
        """Work of the job of ``rule`` with these wildcards; a rule without a method counts as light."""
        method = getattr(self, rule, None)
        return method(**job) if method else Work("light", 1.0)

    def dataset(self, dataset: str) -> Work:
        source = find(self.scenario.data[dataset].source)
        size = _size(source)
        # Pixels in double precision, standardised, and a copy for the principal components.
        return Work("data", 3e-8 * size, memory=40 * size, disk=45 * source.train_size)

    def images(self, source: str) -> Work:
        size = _size(find(source))
        return Work("data", 2e-8 * size, memory=6 * size, disk=size / 2)

    def pretrain(self, ensemble: str, seeds: str) -> Work:
        return self._many(self.pretraining(ensemble), _count(seeds))

    def run(self, run: str, point: str, seeds: str) -> Work:
        return self._many(self.trajectory(run, point), _count(seeds))

    def scan(self, scan: str, part: str) -> Work:
        section = self.scenario.scans[scan]
        first, last = map(int, part.split("-"))
        points = [self.grid_point(scan, *point) for point in section.points[first : last + 1]]
        # Points are trained one after the other, each on one core per seed.
        return Work("engine", section.seeds * sum(points), section.seeds, self._data(section.dataset), 1e4)

    def observe(self, run: str, point: str, chi: str) -> Work:
        n_networks, n_weights, schedule, _ = self._measured(run, point)
        pairs = n_networks * len(schedule.waiting_times) * len(schedule.lags)
        streamed = self.scenario.compute.snapshots == "streamed"
        # One file is in memory at a time.
        at_once = min(n_networks, self.scenario.chunk("ensembles", self.scenario.runs[run].ensemble))
        size = 0 if streamed else disk.snapshot_bytes(at_once, len(schedule.times), n_weights)
        motility = len(self.scenario.runs[run].motility_lags) or 6
        # The noise of every Langevin update is computed again.
        noisy = not streamed and self.scenario.runs[run].dynamics == "langevin" and point != "T0"
        noise = n_networks * int(schedule.times[-1]) * speed.noise(n_weights) if noisy else 0.0
        seconds = 0.2 + pairs * (2e-5 + 6e-9 * n_weights) + noise
        return Work("light", seconds, memory=2 * size, disk=pairs * (40 + 4 * motility))

    def response(self, run: str, point: str) -> Work:
        work = self.observe(run, point, "")
        # The snapshots at T = 0 are read as well.
        return replace(work, memory=2 * work.memory)

    def mobility(self, run: str, point: str, seeds: str) -> Work:
        _, n_weights, schedule, width = self._measured(run, point)
        n_networks, ensemble = _count(seeds), self.scenario.ensembles[self.scenario.runs[run].ensemble]
        samples = self._samples(ensemble.dataset)
        streamed = self.scenario.compute.snapshots == "streamed"
        size = (
            24 * n_networks * n_weights if streamed else disk.snapshot_bytes(n_networks, len(schedule.times), n_weights)
        )
        backend = self._where(self.engines.ensemble(self.scenario.runs[run].ensemble))
        seconds = n_networks * speed.gradient(n_weights, width, samples, backend)
        return Work("engine", seconds, memory=2 * size + self._data(ensemble.dataset), disk=24 * n_networks * n_weights)

    def curvature(self, run: str, point: str, seeds: str) -> Work:
        _, n_weights, schedule, width = self._measured(run, point)
        n_networks, ensemble = _count(seeds), self.scenario.ensembles[self.scenario.runs[run].ensemble]
        backend = self._where(self.engines.ensemble(self.scenario.runs[run].ensemble))
        one = speed.hessian(n_weights, width, self._samples(ensemble.dataset), backend)
        size = disk.snapshot_bytes(n_networks, len(schedule.times), n_weights)
        memory = 2 * size + self._data(ensemble.dataset) + 32 * n_weights**2
        return Work("engine", n_networks * one, memory=memory, disk=8 * n_networks * n_weights)

    def train(self, classifier: str, seeds: str) -> Work:
        one, section = self.training(classifier), self.scenario.classifiers[classifier]
        # Networks are trained one after the other, each on all threads.
        return Work("torch", one.seconds * _count(seeds), section.threads, one.memory, one.disk * _count(seeds))

    def flatness(self, classifier: str) -> Work:
        section = self.scenario.classifiers[classifier]
        model, part = speed.Model(section, "reference", self.engines.device(classifier)), section.flatness
        assert part is not None
        train, _ = _images(section)
        one = speed.spectrum(
            model.n_weights, model.products, part.samples or train, part.method, part.probes * part.lanczos_steps
        )
        lines = section.seeds * (len(part.times) - 1) + section.seeds * (section.seeds - 1) / 2
        seconds = section.seeds * len(part.times) * one + lines * 21 * model.forward(train)
        full = (
            24 * model.n_weights**2 if part.method == "full" else 8 * part.probes * part.lanczos_steps * model.n_weights
        )
        # The library of Hessian products takes seconds to load.
        return Work("torch", 2.0 + seconds, memory=1.3e8 + full + self._pixels(section))

    def drift(self, classifier: str) -> Work:
        section = self.scenario.classifiers[classifier]
        model, part = self._model(classifier), section.drift
        assert part is not None
        train, _ = _images(section)
        step = model.step(train) + model.step(section.batch_size)
        count = part.networks * len(part.starts)
        return Work("torch", count * part.lag_max * step, memory=self._pixels(section) + 40 * model.n_weights)

    def simulation(self, simulation: str) -> Work:
        section = self.scenario.simulations[simulation]
        last = max([*section.times, *(t + lag for t in section.waiting_times for lag in (0, *section.lags))])
        one = 1e-9 * section.spins**3 + last / section.step * speed.spins(section.spins, section.replicas)
        return Work("engine", section.seeds * one, memory=4 * section.spins**3)

    def pspin(self, quench: str) -> Work:
        section = self.scenario.quenches[quench]
        times = Times.of(section.times, section.waiting_times, section.lags, section.t_max)
        memory = 5e8 if section.resolution in ("long", "fine") else 2e8
        return Work("engine", speed.quench(times.t_max, section.resolution), memory=memory, disk=1e6)

    def external(self, external: str) -> Work:
        paths = map(Path, self.scenario.external[external].snapshots)
        sizes = [path.stat().st_size for path in paths if path.exists()]
        return Work("light", 1.0 + 2e-8 * sum(sizes), memory=3.0 * max(sizes, default=0), disk=1e6)

    def figure(self, figure: str) -> Work:
        return Work("figure", 1.0, memory=1e8, disk=4e5)

    def claims(self) -> Work:
        return Work("figure", 0.5)

    def report(self) -> Work:
        return Work("figure", 2.0, memory=1e8, disk=2e6 * len(self.scenario.figures))

    def chunk(self, table: str, name: str, minutes: float) -> int:
        """Networks, or grid points of a scan, of a job that lasts about ``minutes`` on the reference cores."""
        at_once = 1 if table == "classifiers" else self.scenario.compute.chunk
        if table == "scans":
            section = self.scenario.scans[name]
            seconds = sum(self.grid_point(name, *point) for point in section.points) / len(section.points)
            return rounds(seconds * math.ceil(section.seeds / at_once), minutes)
        return at_once * rounds(self.network_seconds(table, name), minutes)

    def network_seconds(self, table: str, name: str) -> float:
        """Longest core time of one network of an ensemble or a classifier in one job."""
        if table == "classifiers":
            return self.training(name).seconds
        runs = [run for run, section in self.scenario.runs.items() if section.ensemble == name]
        points = [self.trajectory(run, point).seconds for run in runs for point in self._points(run)]
        return max([self.pretraining(name).seconds, *points])

    def _many(self, one: Work, count: int) -> Work:
        return Work("engine", one.seconds * count, count, one.memory * count, one.disk * count)

    def _pretraining(self, ensemble: str) -> Work:
        section = self.scenario.ensembles[ensemble]
        n_weights = self._n_weights(section.dataset, section.width, section.depth)
        backend = self._where(self.engines.ensemble(ensemble))
        seconds = self._sgd_seconds(section.sgd, section.dataset, n_weights, section.width, backend)
        return Work("engine", seconds, 1, 80 * n_weights + self._data(section.dataset), 8 * n_weights)

    def _grid_point(self, scan: str, width: int, _strength: float) -> float:
        """Seconds of one network at a point of a scan."""
        section = self.scenario.scans[scan]
        n_weights = self._n_weights(section.dataset, width, section.depth)
        return self._sgd_seconds(section.sgd, section.dataset, n_weights, width, self._where(self.engines.scans()))

    def _sgd_seconds(self, sgd: SGD, dataset: str, n_weights: int, width: int, backend: str) -> float:
        samples = self._samples(dataset)
        updates = sgd.epochs * math.ceil(samples / sgd.batch_size)
        polish = sum(epochs for epochs, _ in sgd.polish)
        small = speed.gradient(n_weights, width, min(sgd.batch_size, samples), backend)
        return updates * small + (polish + 60) * speed.gradient(n_weights, width, samples, backend)

    def _trajectory(self, run: str, point: str) -> Work:
        """One network of a run at one point."""
        section = self.scenario.runs[run]
        _, n_weights, schedule, width = self._measured(run, point)
        dataset = self.scenario.ensembles[section.ensemble].dataset
        samples, steps, snapshots = self._samples(dataset), int(schedule.times[-1]), len(schedule.times)
        batch = samples if section.dynamics == "langevin" else min(int(point[1:]), samples)
        backend = self._where(self.engines.run(run))
        step = speed.gradient(n_weights, width, batch, backend)
        if section.dynamics == "langevin":
            step = step * (speed.IN_BASIN if backend == "fused" else 1.0) + speed.noise(n_weights)
        seconds = steps * step + snapshots * speed.snapshot(n_weights, width, samples, backend)
        waiting, lags = len(schedule.waiting_times), len(schedule.lags)
        if self.scenario.compute.snapshots == "full":
            size = disk.snapshot_bytes(1, snapshots, n_weights)
            memory = 2 * size
        else:
            motility, layers = len(section.motility_lags) or 6, self.scenario.ensembles[section.ensemble].depth + 1
            size = disk.streamed_bytes(1, snapshots, waiting, lags, 1 + len(section.more_chi), motility, layers)
            memory = size + disk.reference_bytes(1, waiting, n_weights)
            seconds += waiting * lags * (2e-5 + 6e-9 * n_weights)
        return Work("engine", seconds, 1, memory + self._data(dataset), size)

    def _training(self, classifier: str) -> Work:
        """One network of a classifier."""
        section = self.scenario.classifiers[classifier]
        model, (train, test) = self._model(classifier), _images(section)
        decades = math.log10(section.steps)
        waiting = np.geomspace(1, max(1, section.steps / 2.2), max(2, round(section.waiting_per_decade * decades)))
        starts = np.minimum(section.windows, 1 + 0.1 * waiting).sum()
        lags = section.lags_per_decade * decades
        measurements = section.measures_per_decade * decades + len(waiting) + FINAL_MEASURES
        seconds = (
            section.steps * model.step(section.batch_size)
            + starts * lags * model.comparison()
            + measurements * model.probe(section, train, test)
        )
        # At most the references of two decades of waiting times are in memory.
        held = min(starts, 2 * section.waiting_per_decade * section.windows)
        size = 4 * len(section.keep) * model.n_weights + 8 * starts * lags
        return Work("torch", seconds, 1, self._pixels(section) + 4 * model.n_weights * (8 + 2 * held), size)

    def _where(self, backend: str) -> str:
        """``backend`` of KWJ's networks, or the accelerator on which it runs."""
        return backend if self.scenario.compute.device == "cpu" else "accelerator"

    def _model(self, classifier: str) -> speed.Model:
        backend, device = self.engines.classifier(classifier), self.engines.device(classifier)
        return speed.Model(self.scenario.classifiers[classifier], backend, device)

    def _measured(self, run: str, point: str) -> tuple[int, int, Schedule, int]:
        """Number of networks of a run, their number of weights, the recording times, and their width."""
        section = self.scenario.runs[run]
        ensemble = self.scenario.ensembles[section.ensemble]
        n_weights = self._n_weights(ensemble.dataset, ensemble.width, ensemble.depth)
        lag_max = section.lag_max_at(int(point[1:]) if point[0] == "B" else None)
        schedule = Schedule(section.waiting_times, lag_max, section.dense, section.per_decade)
        return ensemble.seeds, n_weights, schedule, ensemble.width

    def _points(self, run: str) -> list[str]:
        section = self.scenario.runs[run]
        return [f"B{size}" for size in section.batch_sizes] or [f"T{section.temperatures[0]}"]

    def _n_weights(self, dataset: str, width: int, depth: int) -> int:
        return speed.mlp_weights(self.scenario.data[dataset].components, width, depth)

    def _samples(self, dataset: str) -> int:
        data = self.scenario.data[dataset]
        return data.subset or find(data.source).train_size

    def _data(self, dataset: str) -> float:
        """Bytes of a dataset in memory, with the engine's copies."""
        return 16.0 * self._samples(dataset) * self.scenario.data[dataset].components

    def _pixels(self, section: Classifier) -> float:
        """Bytes of a classifier's images in memory, raw and transformed, and of their activations."""
        train, test = _images(section)
        return (train + test) * find(section.source).features * (1 + 4 * 2 / section.pool**2)


def _count(seeds: str) -> int:
    first, last = map(int, seeds.split("-"))
    return last - first + 1


def _size(source: Source) -> int:
    """Numbers in all samples of a source."""
    return (source.train_size + source.test_size) * source.features


def _images(section: Classifier) -> tuple[int, int]:
    """Training and test images of a classifier."""
    train, test = find(section.source).split_sizes
    return section.train_samples or train, section.test_samples or test
