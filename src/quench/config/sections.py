"""Sections of a scenario: every declared input of the pipeline with its meaning, unit and bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from quench.config.annealing import Anneal
from quench.config.base import Positive, Section, Time, key, tables
from quench.config.classifiers import Classifier, SourceName
from quench.config.external import External
from quench.config.glass import Quench, Simulation
from quench.config.preparation import SGD
from quench.config.scans import Scan
from quench.dynamics import choices
from quench.dynamics.annealing import Annealing
from quench.errors import QuenchError

Temperature = Annotated[float, Field(ge=0, le=1e6)]
Chi = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# With an underscore: every figure is a target of its name, beside the rules, whose names are single words.
FigureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*_[a-z0-9_]+$")]
# Files of the user's own, relative to the folder where Snakemake runs; their names reach a shell.
FigureFile = Annotated[str, Field(pattern=r"^[\w./][\w./-]*\.py$")]
RuleFile = Annotated[str, Field(pattern=r"^[\w./][\w./-]*\.smk$")]


class Data(Section):
    """A dataset as the networks see it."""

    source: SourceName | Annotated[str, Field(pattern=r"\.(npz|nc)$")] = key(
        "mnist5k",
        "raw images: mnist5k is embedded, the others are read from data_root or downloaded; or your own .npz or .nc file"
        " with x (sample, ...) and y (sample)",
        examples=["mnist5k", "cifar10", "mine.npz"],
    )
    subset: Positive | None = key(
        None, "P_D: the first P_D/K images of each of the K classes; null keeps all", unit="samples"
    )
    components: Positive = key(10, "principal components kept (the networks' input width d)")
    standardise: Literal["pixel", "none"] = key(
        "pixel", "zero mean and unit variance of each pixel before the PCA; with 'none' there is no regularised phase"
    )
    whiten: bool = key(False, "scale every component to unit variance (the papers do not)")
    labels: Literal["parity", "classes", "given"] = key(
        "parity",
        "parity: +1 for even class indices and -1 for odd (signs are kept); classes: the index; given: the y of your file",
    )


class Ensemble(Section):
    """Independent networks of one architecture, prepared once; all runs of the ensemble start from the same weights."""

    PLANNING = frozenset({"seeds", "first_seed", "chunk"})

    dataset: Name = key(..., "a name from the data section", names=("data",))
    width: Positive = key(..., "n, units in every hidden layer")
    depth: Positive = key(6, "hidden layers")
    loss: Literal["quadratic_hinge", "logistic", "mse"] = key(
        "quadratic_hinge", "loss of a sample: max(0, 1 - y f)^2 / 2 (KWJ Eq. 1), log(1 + exp(-y f)), (f - y)^2 / 2"
    )
    weight_decay: float = key(0.0, "lambda, strength of the L2 regularisation", ge=0)
    seeds: Positive = key(4, "number of networks; their seeds are first_seed, first_seed + 1, ...")
    first_seed: int = key(0, "seed of the first network", ge=0, le=2**62)
    chunk: Positive | None = key(
        None, "networks per job; null takes compute.chunk, or what compute.job_minutes implies"
    )
    sgd: SGD = key(..., "preparation")

    @property
    def members(self) -> range:
        """Seeds of the networks, which are divided into chunks."""
        return range(self.first_seed, self.first_seed + self.seeds)


class Run(Section):
    """Measured dynamics from prepared weights: Langevin at each temperature, or SGD or Adam at each batch size."""

    PLANNING = frozenset(
        ["temperatures", "batch_sizes", "samples_max", "chi", "more_chi", "motility_lags", "include_output_layer"]
    )

    ensemble: Name = key(..., "a name from the ensembles section", names=("ensembles",))
    dynamics: Literal["langevin", "sgd", "adam"] = key(
        "langevin", "overdamped Langevin (KWJ Eq. 3), stochastic gradient descent, or Adam (Kingma & Ba 2015)"
    )
    step_size: float = key(1e-3, "mu, the learning rate", gt=0)
    temperatures: tuple[Temperature, ...] = key((), "T of the Langevin noise, variance 2 mu T / P_D per step (k_B = 1)")
    anneal: Anneal | None = key(
        None, "Langevin runs: T falls gradually to each temperature; null quenches to it at time 0"
    )
    batch_sizes: tuple[Positive, ...] = key((), "batch sizes of an SGD or Adam run", unit="samples")
    momentum: float = key(0.0, "SGD runs: beta in v <- beta v + gradient, w <- w - mu v", ge=0, lt=1)
    drop_last: bool = key(
        False, "SGD runs: leave out the last batch of an epoch where it is smaller than the others, as KWJ's scripts do"
    )
    betas: tuple[Beta, Beta] = key((0.9, 0.999), "Adam runs: decay of the two moments")
    waiting_times: tuple[Time, ...] = key(
        ..., "t_w, updates before the reference configuration", unit="updates", min_length=1
    )
    lag_max: Positive = key(..., "longest lag measured after each waiting time", unit="updates")
    samples_max: Positive | None = key(None, "SGD runs: lag_max is cut to samples_max / batch size", unit="samples")
    dense: Positive = key(10, "all lags up to this one are measured", unit="updates")
    per_decade: Positive = key(12, "log-spaced lags per decade beyond dense")
    chi: Chi = key(..., "overlap length epsilon = sigma / chi (KWJ Eq. 14)")
    more_chi: tuple[Chi, ...] = key((), "further overlap lengths, measured from the same snapshots")
    motility_lags: tuple[Time, ...] = key(
        (), "lags with a motility histogram; empty picks one per decade", unit="updates"
    )
    include_output_layer: bool = key(
        True, "include the output layer's weights in the observables (as in KWJ's text)", off="hidden_only"
    )

    @model_validator(mode="after")
    def _points(self) -> Run:
        wanted, other = (
            ("temperatures", "batch_sizes") if self.dynamics == "langevin" else ("batch_sizes", "temperatures")
        )
        if not getattr(self, wanted):
            raise ValueError(f"a run with dynamics {self.dynamics!r} needs {wanted.replace('_', ' ')}")
        if getattr(self, other):
            raise ValueError(f"a run with dynamics {self.dynamics!r} takes no {other.replace('_', ' ')}")
        for name in ("momentum", "drop_last"):
            if getattr(self, name) and self.dynamics != "sgd":
                raise ValueError(f"a run with dynamics {self.dynamics!r} takes no {name}")
        if self.anneal and self.dynamics != "langevin":
            raise ValueError(f"a run with dynamics {self.dynamics!r} has no temperature to anneal")
        for field in ("temperatures", "batch_sizes", "waiting_times"):
            values = getattr(self, field)
            if len(set(values)) != len(values):
                raise ValueError(f"{field} contains a value twice")
        for point in self.points.values():
            self.at(point)
        return self

    def at(self, point: float) -> choices.Dynamics:
        """The dynamics at one of the temperatures or batch sizes."""
        if self.dynamics == "adam":
            return choices.Adam(self.step_size, int(point), self.betas)
        if self.dynamics == "sgd":
            return choices.SGD(self.step_size, int(point), self.momentum, drop_last=self.drop_last)
        anneal = Annealing(end=point, **dict(self.anneal)) if self.anneal else None
        return choices.Langevin(self.step_size, point, anneal)

    @property
    def points(self) -> dict[str, float | int]:
        """Temperatures or batch sizes by the name of their folder."""
        temperatures = {f"T{value:.10g}": value for value in self.temperatures}
        return temperatures | {f"B{value}": value for value in self.batch_sizes}

    @property
    def optimiser(self) -> str:
        """The step that moves the weights (``quench.dynamics.choices.optimiser_of``)."""
        return choices.optimiser_of(self.dynamics, momentum=self.momentum, annealed=self.anneal is not None)

    def lag_max_at(self, batch_size: int | None = None) -> int:
        """The longest lag at a batch size (None: of a Langevin run): ``lag_max``, cut to ``samples_max`` samples."""
        if batch_size is None or self.samples_max is None:
            return self.lag_max
        return max(1, min(self.lag_max, self.samples_max // batch_size))


class Figure(Section):
    """Inputs and choices of one figure; its module's docstring lists the keys that it needs."""

    PLANNING = frozenset({"kind", "chi", "chis"})

    kind: FigureName | FigureFile | None = key(
        None,
        "module under quench.figures that draws it, with an underscore for the dot: kwj_fig3; or your own .py file; null"
        " takes the figure's name",
    )
    runs: tuple[Name, ...] = key((), "names from the runs section, in the order of the panels", names=("runs",))
    ensembles: tuple[Name, ...] = key((), "names from the ensembles section", names=("ensembles",))
    scans: tuple[Name, ...] = key((), "names from the scans section", names=("scans",))
    response: tuple[Name, ...] = key(
        (),
        "Langevin runs whose response is shown, measured beside the same networks at T = 0 where the run has that point",
        names=("runs",),
    )
    mobility: tuple[Name, ...] = key(
        (), "runs whose single weights are shown, at the figure's temperatures", names=("runs",)
    )
    curvature: tuple[Name, ...] = key(
        (),
        "Langevin runs whose Hessian is computed, at the last waiting time of the coldest point; needs snapshots: full",
        names=("runs",),
    )
    glass: tuple[Name, ...] = key(
        (), "names from the quenches and simulations sections", names=("quenches", "simulations")
    )
    classifiers: tuple[Name, ...] = key(
        (), "names from the classifiers section, in the order of the panels", names=("classifiers",)
    )
    flatness: tuple[Name, ...] = key((), "classifiers whose Hessian spectra are shown", names=("classifiers",))
    drift: tuple[Name, ...] = key((), "classifiers whose gradient descent is shown beside SGD", names=("classifiers",))
    external: tuple[Name, ...] = key(
        (), "names from the external section, in the order of the panels", names=("external",)
    )
    chi: Chi | None = key(None, "chi to use instead of the run's own; must be one that the run measures")
    chis: tuple[Chi, ...] = key(
        (), "values of chi: one curve each in a figure of one run, one for each run in a figure of several"
    )
    temperatures: tuple[Temperature, ...] = key((), "temperatures to show; empty shows all of the run")
    waiting_time: Time | None = key(None, "t_w shown; null shows the run's last", unit="updates")
    lags: tuple[Time, ...] = key((), "lags at which a histogram is shown", unit="updates")
    fit: tuple[float, float] | None = key(
        None, "window of a power-law fit: t / tau90 of a master curve, t_w of an ageing exponent"
    )
    average: Literal["median", "mean", "geometric"] = key(
        "median", "kind kwj_fig1: the average over networks on the plane; geometric: of the losses from 1e-20 on"
    )
    collapse: bool = key(False, "kind own_ageing: also plotted against t / t_w")

    @model_validator(mode="after")
    def _lengths(self) -> Figure:
        if self.chis and self.chi is not None:
            raise ValueError("give chi or chis, not both")
        if self.chis and len(self.runs) > 1 and len(self.chis) != len(self.runs):
            raise ValueError(f"{len(self.runs)} runs need {len(self.runs)} chis, not {len(self.chis)}")
        return self

    def module(self, name: str) -> str:
        """The module under ``quench.figures`` that draws the figure of this name: ``kwj.fig3``; or the user's own file."""
        kind = self.kind or name
        return kind if kind.endswith(".py") else kind.replace("_", ".", 1)

    def chis_of(self, run: str) -> tuple[float | None, ...]:
        """The values of chi that the figure shows of one of its runs; None stands for the run's own."""
        if not self.chis:
            return (self.chi,)
        return self.chis if len(self.runs) == 1 else (self.chis[self.runs.index(run)],)


class Compute(Section):
    """Execution of the jobs; no key changes the meaning of a result, and cutting the work into jobs changes no bit."""

    backend: Literal["auto", "reference", "fused"] = key(
        "auto", "training engine; auto takes fused on a CPU, reference elsewhere"
    )
    device: str = key(
        "cpu",
        "torch's device, for the reference backend and the classifiers",
        pattern=r"^(cpu|cuda(:\d+)?|mps)$",
        examples=["cpu", "cuda", "cuda:1", "mps"],
    )
    precision: Literal["float32", "float64"] = key(
        "float32", "arithmetic of the gradient; master weights are always float64"
    )
    chunk: Positive = key(
        4, "networks that a training job works on at a time, one core each; without job_minutes, all its networks"
    )
    threads: Positive | None = key(None, "upper limit for the cores of a training job; not used with job_minutes")
    scan_chunk: Positive = key(1000, "grid points per phase-diagram job; not used with job_minutes")
    job_minutes: float | None = key(
        None,
        "on a cluster: intended length of a training job; the cost model then fills in the chunk of every ensemble, scan"
        " and classifier that declares none; one network is never divided",
        unit="minutes",
        gt=0,
    )
    limit_minutes: Positive | None = key(
        None,
        "longest run time that jobs may request; a job that needs more resumes from its checkpoint in its next attempt",
        unit="minutes",
    )
    snapshots: Literal["full", "streamed"] = key(
        "full",
        "full keeps every snapshot; streamed measures the declared observables during training and keeps none (same bits)",
    )
    checkpoint_seconds: float = key(60.0, "time between two checkpoints of a training job", unit="s", ge=0)
    checkpoint_days: float = key(
        30.0, "age at which the checkpoint of a job that was not restarted is removed", unit="days", gt=0
    )

    @model_validator(mode="after")
    def _device(self) -> Compute:
        if self.backend == "fused" and self.device != "cpu":
            raise ValueError(f"backend fused works on the CPU; device {self.device!r} needs backend: reference or auto")
        return self


class Scenario(Section):
    """A complete set of declared inputs; the default is config/config.yaml, the others are overlays on it."""

    scenario: Name = key("default", "name of the folder under results/")
    base: Literal["none"] | None = key(
        None, "none: this file is a complete scenario and overrides no other; null: it overrides the files before it"
    )
    scale: Literal["reduced", "full"] = key("reduced", "reduced-scale figures are labelled so")
    data_root: str | None = key(None, "folder of raw images; null takes the environment's QUENCH_DATA, else ./data")
    data: dict[Name, Data] = key({}, "datasets by name")
    ensembles: dict[Name, Ensemble] = key({}, "ensembles of networks by name")
    scans: dict[Name, Scan] = key({}, "phase-diagram scans by name")
    runs: dict[Name, Run] = key({}, "measured dynamics by name")
    classifiers: dict[Name, Classifier] = key({}, "networks of BJ trained by SGD, by name")
    quenches: dict[Name, Quench] = key({}, "solved quenches of the p-spin glass, by name")
    simulations: dict[Name, Simulation] = key({}, "finite-size simulations of the 3-spin glass by name")
    external: dict[Name, External] = key({}, "runs recorded elsewhere, by name")
    figures: dict[FigureName, Figure] = key({}, "figures to draw, by the name of their kind or by a name of your own")
    rules: tuple[RuleFile, ...] = key((), "files of your own Snakemake rules, included after those of quench")
    compute: Compute = key(Compute(), "backend, chunking and storage")

    def chunk(self, section: str, name: str) -> int:
        """Networks per job of an ensemble or a classifier, or grid points per job of a scan, as declared."""
        own = getattr(self, section)[name].chunk
        if own is None and self.compute.job_minutes is not None:
            raise QuenchError(f"config: {section}.{name}.chunk: not declared yet (quench.cost.chunks.declare)")
        return own or (self.compute.scan_chunk if section == "scans" else self.compute.chunk)


# Tables whose entries are divided into chunks.
CHUNKED = tuple(name for name, section in tables(Scenario).items() if "chunk" in section.model_fields)
