"""What every stage shares: the checked scenario, the paths of its results, and the options of its jobs."""

import functools
import hashlib
import os
import re
import shlex
import sys
from pathlib import Path

# Where these rules are, also when another workflow has taken them as a module.
ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(ROOT / "src"))

from quench.provenance import steps, submission
from quench.store.archive import SUMS
from quench.runtime.atomic import atomic
from quench.config.claims import load as load_claims
from quench.config.scenario import as_yaml, read_file, resolve
from quench.cost.work import request
from quench.data.sources import check_available
from quench.errors import QuenchError
from quench.figures import declared
from quench.provenance.fingerprint import all_fingerprints, fingerprint
from quench.pipeline.paths import Layout
from quench.pipeline.arguments import Options, flags
from quench.report.papers import place
from quench.provenance.steps import code

RULES = submission.rules_hash([ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")])
if workflow.is_main_process:
    os.environ.pop(submission.VARIABLE, None)
else:
    # The main process has them on record, and the commands themselves refuse to work with other code.
    code = fingerprint = lambda *_, **__: ""


def figure_code(name):
    """Fingerprint of what draws a figure."""
    return code("figure", figure=SCENARIO.figures[name].module(name))


def look_for(source, data_root):
    """Stop where the raw images of a source are missing; a dry run, which needs none, only says so."""
    try:
        check_available(source, data_root)
    except QuenchError as error:
        # Snakemake itself does not know yet whether this is one.
        if not any(
            re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run", word) for word in sys.argv
        ):
            raise
        print(f"quench: {error}", file=sys.stderr)


def scenario_or_exit():
    """The scenario, or one line on what is wrong with it; raw images are looked for before any work starts.

    A job on a cluster takes the scenario that its main process started with.
    """
    try:
        if submitted := submission.read():
            submission.check_rules(RULES)
            return resolve(submitted["scenario"])
        # Snakemake takes the second of two equal keys without a word.
        for path in workflow.configfiles:
            read_file(path)
        scenario = resolve(config)
        layout = Layout(scenario)
        made_from = {
            layout.dataset(name): data.source for name, data in scenario.data.items()
        }
        made_from |= {
            layout.images(one.source): one.source
            for one in scenario.classifiers.values()
        }
        # Figures of an unpacked archive are drawn without images; a job that needs them after all says so itself.
        unpacked = Path(layout.folder, SUMS).exists()
        absent = (
            source for path, source in made_from.items() if not Path(path).exists()
        )
        for source in dict.fromkeys(() if unpacked else absent):
            look_for(source, scenario.data_root)
        for name, run in scenario.external.items():
            for path in run.snapshots:
                if not unpacked and not Path(path).exists():
                    raise QuenchError(
                        f"config: external.{name}.snapshots: {path}: no such file"
                    )
    except QuenchError as error:
        sys.exit(f"quench: {error}")
    return scenario


SCENARIO = scenario_or_exit()
LAYOUT = Layout(SCENARIO)
OPTIONS = Options(SCENARIO, LAYOUT)
RESULTS = LAYOUT.folder

# Given to jobs as a resource, not as a parameter: how often a state is saved makes no result stale.
CHECKPOINT_SECONDS = f"{SCENARIO.compute.checkpoint_seconds:.10g}"

# The environment that runs Snakemake has the ``quench`` command; a rule's conda environment has only what it imports.
if workflow.deployment_settings.deployment_method:
    COMMAND = 'quench() { python -m quench "$@"; }'
else:
    COMMAND = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT / 'src'))}; {COMMAND}; "
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
    classifier="[a-z][a-z0-9_]*",
    source="[a-z0-9]+",
    external="[a-z][a-z0-9_]*",


def one_of(names):
    """A wildcard that stands for one of the names; for nothing where there are none."""
    return "|".join(names) or "-"


def save_resolved_config():
    """Keep what was asked for beside what came of it, and hold all jobs to it."""
    with atomic(f"{RESULTS}/config.yaml") as path:
        path.write_text(as_yaml(SCENARIO, config), encoding="utf-8")
    submission.record(
        RESULTS,
        SCENARIO.model_dump(mode="json"),
        RULES,
        all_fingerprints(),
        SCENARIO.compute.checkpoint_days,
    )


def tell_room():
    """Say what the snapshots of the whole scenario take, and drop what was saved of jobs that nobody started again.

    Also what the fused engine, which would be faster, leaves to the reference backend.
    """
    from quench.runtime.checkpoint import remove_stale
    from quench.cost.disk import readable, scenario_snapshot_bytes

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
    if slower := OPTIONS.engines.beyond_fused():
        print(
            f"quench: by the reference backend, since the fused engine has no such loss or optimiser: {', '.join(slower)}",
            file=sys.stderr,
        )
    for folder in remove_stale(RESULTS, SCENARIO.compute.checkpoint_days):
        print(f"quench: {folder}: stale checkpoint removed", file=sys.stderr)


def figure_declared(name):
    """Declarations of a figure's module: title, caption and others."""
    return declared.read(SCENARIO.figures[name].module(name))


def n_networks(wildcards):
    first, last = map(int, wildcards.seeds.split("-"))
    return LAYOUT.cores(last - first + 1)


def cost(rule):
    """Resources by the cost model, from the wildcards of the job: memory, disk and run time, more with every try."""
    work = getattr(LAYOUT.costs, rule)
    return {
        name: lambda w, threads, attempt, name=name: request(
            work(**dict(w)), threads, attempt, SCENARIO.compute.limit_minutes
        )[name]
        for name in ("mem_mb", "disk_mb", "runtime")
    }


def dataset_of_run(wildcards):
    """The dataset that a run's networks learn."""
    ensemble = SCENARIO.ensembles[SCENARIO.runs[wildcards.run].ensemble]
    return LAYOUT.dataset(ensemble.dataset)


def images_of(wildcards):
    """The images file that a classifier learns."""
    return LAYOUT.images(SCENARIO.classifiers[wildcards.classifier].source)


def run_step(wildcards):
    """The step whose code makes a trajectory file."""
    run = SCENARIO.runs[wildcards.run]
    return steps.run_step(run.optimiser, SCENARIO.compute.snapshots)


CLAIMS = os.path.relpath(ROOT / "config/claims.yaml")


@functools.cache
def declared_claims():
    try:
        return load_claims(CLAIMS)
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


def claim_options(wildcards, input):
    return " ".join(
        f"--figure {name} {path}"
        for name, path in zip(claim_numbers(), input.figures, strict=True)
    )


def claims_code(wildcards):
    modules = {claim.quantity.partition(".")[0] for claim in declared_claims().claims}
    return " ".join(
        fingerprint(f"quench.claims.{module}") for module in sorted({"judge", *modules})
    )


def report_code():
    """What shapes the report: its modules, and the templates, style and script that they read."""
    templates = sorted((ROOT / "src/quench/report/templates").iterdir())
    inside = hashlib.sha256(b"".join(path.read_bytes() for path in templates))
    return f"{fingerprint('quench.report.page')} {inside.hexdigest()[:16]}"


def snakemake_call():
    """How this scenario is made, for a reader of the report."""
    files = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    return shlex.join(["snakemake", *(["--configfile", *files] if files else [])])
