"""Setup of all rules: the checked scenario, the environment of the jobs, and the messages at the start."""

import hashlib
import os
import re
import shlex
import sys
import time
from pathlib import Path

from snakemake.cli import parse_args

# The folder above these rules, also when another workflow uses them as a module.
ROOT = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(ROOT / "src"))

from quench.config.backends import Engines
from quench.config.scenario import as_yaml, merged, overlay, read_file, resolve
from quench.cost.chunks import declare
from quench.cost.disk import readable, scenario_snapshot_bytes
from quench.data.download import check_available
from quench.data.sources import find
from quench.errors import QuenchError, nearest
from quench.figures import declared
from quench.pipeline import notes
from quench.pipeline.jobs import jobs
from quench.pipeline.paths import Paths
from quench.pipeline.rules import Rules, absent_sources
from quench.pipeline.stages import WILDCARDS
from quench.provenance import submission
from quench.provenance.fingerprint import all_fingerprints, fingerprint
from quench.runtime.atomic import atomic
from quench.runtime.checkpoint import remove_recorded, remove_stale
from quench.store.archive import SUMS
from snakemake_logger_plugin_quench import live

DRY_RUN = any(
    re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run", word) for word in sys.argv
)
# File systems keep whole seconds at worst.
STARTED = time.time() - 1
if workflow.is_main_process:
    os.environ.pop(submission.VARIABLE, None)


def notice(text):
    print(f"quench: {text}", file=sys.stderr)


def declared_config():
    """The declared configuration: what Snakemake merged, or only the overlays where one says ``base: none``."""
    # Snakemake silently takes the second of two equal keys.
    for path in workflow.configfiles:
        read_file(path)
    if config.get("base") is None or not workflow.overwrite_configfiles:
        return config
    return overlay(
        merged(workflow.overwrite_configfiles), workflow.config_settings.config
    )


def rules_hash(scenario):
    """Hash of the rules of quench and of those that the scenario adds."""
    own = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    return submission.rules_hash([*own, *scenario.rules])


def check_base():
    """Raise ``QuenchError`` where overlays are given without the default that they override."""
    overlays = workflow.overwrite_configfiles
    if overlays and list(overlays) == workflow.configfiles and not AS_MODULE:
        raise QuenchError(
            f"config/config.yaml: not found in {Path.cwd()}; {', '.join(map(str, overlays))} overrides it."
            " Link or copy the folder config to there, or give a complete scenario (base: none)"
        )


def checked_scenario():
    """The scenario, with raw images and snapshots that exist. A job takes the scenario with which it was submitted."""
    if submitted := submission.read():
        scenario = resolve(submitted["scenario"])
        submission.check_rules(rules_hash(scenario))
        return scenario
    try:
        scenario = declare(resolve(CONFIG))
    except QuenchError:
        check_base()
        raise
    for path in scenario.rules:
        if not Path(path).is_file():
            raise QuenchError(f"config: rules: {path}: no such file")
    for source in absent_sources(Paths(scenario)):
        try:
            check_available(find(source), scenario.data_root)
        except QuenchError as error:
            # A plan needs no images.
            if not DRY_RUN:
                raise
            notice(error)
    return scenario


# Whether another workflow uses these rules as a module, with other names of rules and a configuration of its own.
AS_MODULE = workflow.modifier.skip_configfile
try:
    CONFIG = declared_config()
    SCENARIO = checked_scenario()
except QuenchError as error:
    sys.exit(error.lines())
RULES = Rules(SCENARIO, fingerprints=workflow.is_main_process)
RESULTS = RULES.paths.folder

# A resource of the jobs and not a parameter: the time between checkpoints makes no result stale.
CHECKPOINT_SECONDS = f"{SCENARIO.compute.checkpoint_seconds:.10g}"

# The environment that runs Snakemake has the ``quench`` command; the conda environment of a rule has only its libraries.
if workflow.deployment_settings.deployment_method:
    COMMAND = 'quench() { python -m quench "$@"; }'
else:
    COMMAND = f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(ROOT / 'src'))}; {COMMAND}; "
)


wildcard_constraints:
    **WILDCARDS,


def code_of(*modules):
    """Fingerprints of modules; none in a job, which Snakemake does not ask."""
    return " ".join(map(fingerprint, modules)) if workflow.is_main_process else ""


def one_of(names):
    """Regular expression of one of the names; of nothing where there are none."""
    return "|".join(names) or "-"


def declarations(name):
    """Title, caption and other declarations of a figure's module."""
    return declared.read(SCENARIO.figures[name].module(name))


def own_figures():
    """Fingerprints of the user's own files that draw figures."""
    files = {figure.module(name) for name, figure in SCENARIO.figures.items()}
    return {path: fingerprint(path) for path in files if declared.is_own(path)}


def templates_hash():
    """Sixteen hexadecimal digits over the templates, style and script of the page."""
    paths = sorted((ROOT / "src/quench/report/templates").iterdir())
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[
        :16
    ]


def check_targets():
    """End with a line for every target that is neither a rule nor a file; Snakemake suggests none."""
    known = [rule.name for rule in workflow.rules]
    words = [word for word in sys.argv[1:] if re.fullmatch(r"[a-z]\w*", word)]
    if AS_MODULE or not workflow.is_main_process or set(words) <= set(known):
        return
    # Snakemake has parsed them, but gives them to the workflow later.
    _, arguments = parse_args(sys.argv[1:])
    figures = ", ".join(SCENARIO.figures)
    wrong = [
        f"quench: no target {target!r}"
        f"{nearest(target, known) or f'; the figures are {figures}'} (scenario {SCENARIO.scenario!r})"
        for target in sorted(arguments.targets or ())
        if "/" not in target and target not in known and not Path(target).exists()
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def snakemake_call():
    """The call that makes this scenario, for readers of the report."""
    files = [os.path.relpath(path) for path in workflow.overwrite_configfiles]
    return shlex.join(["snakemake", *(["--configfile", *files] if files else [])])


def record_submission():
    """Write the resolved scenario beside its results, and the submission with which all jobs must agree."""
    with atomic(f"{RESULTS}/config.yaml") as path:
        path.write_text(as_yaml(SCENARIO, CONFIG), encoding="utf-8")
    submission.record(
        RESULTS,
        SCENARIO.model_dump(mode="json"),
        rules_hash(SCENARIO),
        all_fingerprints() | own_figures(),
        SCENARIO.compute.checkpoint_days,
    )


def predict_times():
    """Give the live line on a terminal the mean time of every rule's jobs by the cost model."""
    times = {}
    for job in jobs(RULES.paths).values():
        times.setdefault(job.rule, []).append(job.work.wall_seconds(job.cores))
    live.seconds_by_rule.update(
        {rule: sum(found) / len(found) for rule, found in times.items()}
    )


def report_start():
    """Report a new scenario, the disk space of snapshots and the parts for the reference backend, and remove stale checkpoints."""
    size = readable(scenario_snapshot_bytes(SCENARIO))
    if SCENARIO.compute.snapshots == "full":
        notice(
            f"all snapshots of the scenario take up to {size} (compute.snapshots: streamed keeps none)"
        )
    else:
        notice(f"observables are streamed; {size} of snapshots are not kept")
    if slower := Engines(SCENARIO).beyond_fused():
        notice(
            f"the fused engine lacks a loss or optimiser of {', '.join(slower)}; these run on the reference backend"
        )
    for text in notes.at_start(Path(RESULTS)):
        notice(text)
    for folder in remove_stale(RESULTS, SCENARIO.compute.checkpoint_days):
        notice(f"{folder}: stale checkpoint removed")


def report_end():
    """Report the notes of this call's jobs, and where its figures and its report are; remove the second names of results."""
    remove_recorded(RESULTS)
    for text in notes.at_end(Path(RESULTS), STARTED):
        notice(text)
