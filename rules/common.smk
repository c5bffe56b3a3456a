"""What every stage shares: the checked scenario, the paths of all results, and command-line flags from config values."""

import functools
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from quench.archive import SUMS
from quench.atomic import atomic
from quench.config.claims import load as load_claims
from quench.config.scenario import as_yaml, resolve
from quench.data.sources import check_available
from quench.errors import QuenchError
from quench.fingerprint import fingerprint
from quench.steps import backend_for, code


def figure_module(name):
    return f"quench.figures.{name.replace('_', '.', 1)}"


def scenario_or_exit():
    """The scenario, or one line on what is wrong with it; raw images are looked for before any work starts."""
    try:
        scenario = resolve(config)
        # Figures of an unpacked archive are drawn without images; a job that needs them after all says so itself.
        if not Path(f"results/{scenario.scenario}/{SUMS}").exists():
            for source in sources_to_read(scenario):
                check_available(source, scenario.data_root)
        for name in scenario.figures:
            fingerprint(figure_module(name))
    except QuenchError as error:
        sys.exit(f"quench: {error}")
    return scenario


def sources_to_read(scenario):
    """Raw images that were not read yet."""
    results = Path(f"results/{scenario.scenario}")
    for name, data in scenario.data.items():
        if not (results / f"data/{name}.nc").exists():
            yield data.source
    for classifier in scenario.classifiers.values():
        if not (results / f"images/{classifier.source}.nc").exists():
            yield classifier.source


SCENARIO = scenario_or_exit()
RESULTS = f"results/{SCENARIO.scenario}"
BACKEND = backend_for(SCENARIO.compute.backend, SCENARIO.compute.device)

# Given to jobs as a resource, not as a parameter: how often a state is saved makes no result stale.
CHECKPOINT_SECONDS = f"{SCENARIO.compute.checkpoint_seconds:.10g}"

# The environment that runs Snakemake has the ``quench`` command; a rule's conda environment has only what it imports.
if workflow.deployment_settings.deployment_method:
    COMMAND = 'quench() { python -m quench "$@"; }'
else:
    COMMAND = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(Path(workflow.basedir) / 'src'))}; {COMMAND}; "
)


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    ensemble="[a-z][a-z0-9_]*",
    run="[a-z][a-z0-9_]*",
    point=r"[TB][0-9.e+-]+",
    chi=r"[0-9.e+-]+",
    seeds=r"[0-9]+-[0-9]+",
    figure="[a-z][a-z0-9_]*",
    scan="[a-z][a-z0-9_]*",
    part=r"[0-9]+-[0-9]+",
    simulation="[a-z][a-z0-9_]*",
    classifier="[a-z][a-z0-9_]*",
    source="[a-z0-9]+",


def flags(**values):
    """``--some-key value`` for every value; True gives the bare flag; None, False and empty tuples give nothing."""
    words = []
    for key, value in values.items():
        if value is None or value is False or value == ():
            continue
        words.append(f"--{key.replace('_', '-')}")
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        if value is not True:
            words.append(shlex.quote(str(value)))
    return " ".join(words)


def chunks(ensemble):
    return seed_chunks(SCENARIO.ensembles[ensemble])


def seed_chunks(section):
    """Names of a section's seed chunks, ``first-last``; another seed makes or changes the last one only."""
    first, stop, size = (
        section.first_seed,
        section.first_seed + section.seeds,
        SCENARIO.compute.chunk,
    )
    return [
        f"{start}-{min(start + size, stop) - 1}" for start in range(first, stop, size)
    ]


def trainings(classifier):
    """Training files of a classifier, a chunk of seeds each."""
    return [
        f"{RESULTS}/classifiers/{classifier}/{seeds}.nc"
        for seeds in seed_chunks(SCENARIO.classifiers[classifier])
    ]


def images_of(wildcards):
    """The images file that a classifier learns."""
    return f"{RESULTS}/images/{SCENARIO.classifiers[wildcards.classifier].source}.nc"


def classifier_options(section, *left_out):
    """Flags of a classifier's section, or of one within it."""
    return flags(
        **{key: value for key, value in dict(section).items() if key not in left_out}
    )


def n_networks(wildcards):
    first, last = map(int, wildcards.seeds.split("-"))
    return last - first + 1


def points(run):
    """Folder names of a run's temperatures or batch sizes."""
    section = SCENARIO.runs[run]
    return [
        *(f"T{value:.10g}" for value in section.temperatures),
        *(f"B{value}" for value in section.batch_sizes),
    ]


def value_of(run, point):
    """The temperature or batch size that a folder name stands for, as the config has it."""
    section = SCENARIO.runs[run]
    return dict(zip(points(run), [*section.temperatures, *section.batch_sizes]))[point]


def observables(run, chi=None, temperatures=()):
    """Averaged observables of a run: at the given temperatures, or at all its points."""
    chi = chi or SCENARIO.runs[run].chi
    return [
        f"{RESULTS}/observables/{run}/{point}/chi{chi:.10g}.nc"
        for point in points(run)
        if not temperatures or point[0] == "B" or value_of(run, point) in temperatures
    ]


def save_resolved_config():
    """Keep what was asked for beside what came of it."""
    with atomic(f"{RESULTS}/config.yaml") as path:
        path.write_text(as_yaml(SCENARIO, config), encoding="utf-8")


def tell_room():
    """Say what the snapshots of the whole scenario take, and drop what was saved of jobs that nobody started again."""
    from quench.checkpoint import forget_stale
    from quench.storage import readable, scenario_snapshot_bytes

    room = readable(scenario_snapshot_bytes(SCENARIO))
    if SCENARIO.compute.snapshots == "full":
        print(
            f"quench: all snapshots of this scenario: {room} on disk (compute.snapshots: streamed keeps none)",
            file=sys.stderr,
        )
    else:
        print(
            f"quench: observables are streamed: {room} of snapshots are not kept",
            file=sys.stderr,
        )
    for folder in forget_stale(RESULTS, SCENARIO.compute.checkpoint_days):
        print(f"quench: {folder}: dropped, nobody went on from it", file=sys.stderr)


def pretrain_options(wildcards):
    section = SCENARIO.ensembles[wildcards.ensemble]
    polish = ",".join(f"{epochs}:{rate!r}" for epochs, rate in section.sgd.polish)
    return flags(
        width=section.width,
        depth=section.depth,
        weight_decay=section.weight_decay,
        seeds=wildcards.seeds,
        learning_rate=section.sgd.learning_rate,
        batch_size=section.sgd.batch_size,
        epochs=section.sgd.epochs,
        polish=polish or None,
        **compute_options(),
    )


def run_options(wildcards):
    section = SCENARIO.runs[wildcards.run]
    value = value_of(wildcards.run, wildcards.point)
    if section.dynamics == "langevin":
        point = {"temperature": value, "lag_max": section.lag_max_at()}
    else:
        point = {"batch_size": value, "lag_max": section.lag_max_at(value)}
    return flags(
        dynamics=section.dynamics,
        **point,
        step_size=section.step_size,
        waiting_times=section.waiting_times,
        dense=section.dense,
        per_decade=section.per_decade,
        **streamed_options(section),
        **compute_options(),
    )


def streamed_options(section):
    """What a streamed run measures on the way, as its observables will be asked for; nothing for full snapshots."""
    if SCENARIO.compute.snapshots == "full":
        return {}
    chis = dict.fromkeys(f"{chi:.10g}" for chi in (section.chi, *section.more_chi))
    return {"snapshots": "streamed", "chi": tuple(chis), **measured_options(section)}


def measured_options(section):
    return {
        "motility_lags": section.motility_lags,
        "hidden_only": not section.include_output_layer,
    }


def run_step(wildcards):
    """The step whose code makes a trajectory file."""
    dynamics = SCENARIO.runs[wildcards.run].dynamics
    return dynamics if SCENARIO.compute.snapshots == "full" else f"{dynamics}-streamed"


def simulation_options(wildcards):
    given = dict(SCENARIO.simulations[wildcards.simulation])
    first, count = given.pop("first_seed"), given.pop("seeds")
    return flags(seeds=f"{first}-{first + count - 1}", **given)


def compute_options():
    return {
        "backend": BACKEND,
        "device": SCENARIO.compute.device,
        "precision": SCENARIO.compute.precision,
    }


def scan_files(scan):
    """Chunks of a scan's grid points, ``first-last`` in the order of ``Scan.points``."""
    count, size = len(SCENARIO.scans[scan].points), SCENARIO.compute.scan_chunk
    parts = [
        f"{start}-{min(start + size, count) - 1}" for start in range(0, count, size)
    ]
    return [f"{RESULTS}/scans/{scan}/{part}.nc" for part in parts]


def scan_options(wildcards):
    section = SCENARIO.scans[wildcards.scan]
    first, last = map(int, wildcards.part.split("-"))
    return flags(
        points=",".join(
            f"{width}:{strength!r}"
            for width, strength in section.points[first : last + 1]
        ),
        depth=section.depth,
        seeds=f"{section.first_seed}-{section.first_seed + section.seeds - 1}",
        learning_rate=section.sgd.learning_rate,
        batch_size=section.sgd.batch_size,
        epochs=section.sgd.epochs,
        polish=",".join(f"{epochs}:{rate!r}" for epochs, rate in section.sgd.polish)
        or None,
        **compute_options(),
    )


def mobility_options(wildcards):
    section = SCENARIO.runs[wildcards.run]
    return flags(
        waiting_time=max(section.waiting_times),
        lag=section.lag_max,
        **compute_options(),
    )


def mobility_files(run, temperatures):
    """Single weights of a run at the figure's temperatures, every chunk of networks."""
    names = [
        f"T{value:.10g}" for value in temperatures or SCENARIO.runs[run].temperatures
    ]
    return [
        f"{RESULTS}/mobility/{run}/{point}/{seeds}.nc"
        for point in names
        for seeds in chunks(SCENARIO.runs[run].ensemble)
    ]


FORMS = (".pdf", ".png", ".svg", ".nc")


def figures(prefix=""):
    """The files of every declared figure whose name starts with ``prefix``."""
    return [
        path
        for name in SCENARIO.figures
        if name.startswith(prefix)
        for path in figure_files(name)
    ]


def figure_files(name):
    return [f"{RESULTS}/figures/{name}{form}" for form in FORMS]


def figure_groups(name):
    """What the figure's section names, by kind and name: observables of its runs, networks, scans, glass."""
    section = SCENARIO.figures[name]
    runs = {
        run: [
            path
            for chi in section.chis_of(run)
            for path in observables(run, chi, section.temperatures)
        ]
        for run in section.runs
    }
    prepared = {
        e: [f"{RESULTS}/pretrained/{e}/{seeds}.nc" for seeds in chunks(e)]
        for e in section.ensembles
    }
    scans = {scan: scan_files(scan) for scan in section.scans}
    single = {
        run: mobility_files(run, section.temperatures) for run in section.mobility
    }
    glass = {name: [f"{RESULTS}/glass/{name}.nc"] for name in section.glass}
    parts = {
        part: {name: [f"{RESULTS}/{part}/{name}.nc"] for name in getattr(section, part)}
        for part in ("flatness", "drift")
    }
    return {
        "run": runs,
        "ensemble": prepared,
        "scan": scans,
        "mobility": single,
        "glass": glass,
        "classifier": {name: trainings(name) for name in section.classifiers},
        **parts,
    }


def figure_inputs(wildcards):
    groups = figure_groups(wildcards.figure)
    return [
        path for kind in groups.values() for paths in kind.values() for path in paths
    ]


def figure_options(wildcards):
    """``--run NAME FILE ...`` for every run, the same for ensembles, and the figure's own choices."""
    section = SCENARIO.figures[wildcards.figure]
    named = [
        " ".join([f"--{kind}", name, *map(shlex.quote, paths)])
        for kind, groups in figure_groups(wildcards.figure).items()
        for name, paths in groups.items()
    ]
    chosen = flags(
        scale=SCENARIO.scale,
        temperatures=section.temperatures,
        waiting_time=section.waiting_time,
        lags=section.lags,
        fit=section.fit,
    )
    return " ".join([*named, chosen])


CLAIMS = "config/claims.yaml"


@functools.cache
def declared_claims():
    try:
        return load_claims(Path(workflow.basedir) / CLAIMS)
    except QuenchError as error:
        sys.exit(f"quench: {error}")


def claim_numbers():
    """Plotted numbers of the figures that this scenario draws and some claim reads, by name."""
    read = {name for claim in declared_claims().claims for name in claim.reads}
    return {
        name: f"{RESULTS}/figures/{name}.nc"
        for name in SCENARIO.figures
        if name in read
    }


def claim_figures(wildcards):
    return list(claim_numbers().values())


def claim_options(wildcards):
    return " ".join(f"--figure {name} {path}" for name, path in claim_numbers().items())


def claims_code(wildcards):
    modules = {claim.quantity.partition(".")[0] for claim in declared_claims().claims}
    return " ".join(
        fingerprint(f"quench.claims.{module}") for module in sorted({"judge", *modules})
    )
