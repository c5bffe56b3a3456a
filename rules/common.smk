"""What every stage shares: the checked scenario, the paths of all results, and command-line flags from config values."""

import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from quench.atomic import atomic
from quench.config.scenario import as_yaml, resolve
from quench.data.sources import check_available
from quench.errors import QuenchError
from quench.steps import backend_for, code


def scenario_or_exit():
    """The scenario, or one line on what is wrong with it; raw images are looked for before any work starts."""
    try:
        scenario = resolve(config)
        for name, data in scenario.data.items():
            if not Path(f"results/{scenario.scenario}/data/{name}.nc").exists():
                check_available(data.source, scenario.data_root)
    except QuenchError as error:
        sys.exit(f"quench: {error}")
    return scenario


SCENARIO = scenario_or_exit()
RESULTS = f"results/{SCENARIO.scenario}"
BACKEND = backend_for(SCENARIO.compute.backend, SCENARIO.compute.device)

# The interpreter that runs Snakemake has the package; inside a conda environment of a rule, that environment's does.
PYTHON = "python" if workflow.deployment_settings.deployment_method else shlex.quote(sys.executable)
QUENCH = f"{PYTHON} -m quench"
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(Path(workflow.basedir) / 'src'))}; "
)


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    ensemble="[a-z][a-z0-9_]*",
    run="[a-z][a-z0-9_]*",
    point=r"[TB][0-9.e+-]+",
    chi=r"[0-9.e+-]+",
    seeds=r"[0-9]+-[0-9]+",
    figure="[a-z][a-z0-9_]*",


def flags(**values):
    """``--some-key value`` for every value; True gives the bare flag; None, False and empty tuples give nothing."""
    words = []
    for key, value in values.items():
        if value is None or value is False or value == ():
            continue
        words.append("--" + key.replace("_", "-"))
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        if value is not True:
            words.append(shlex.quote(str(value)))
    return " ".join(words)


def chunks(ensemble):
    """Names of an ensemble's seed chunks, ``first-last``; another seed makes or changes the last one only."""
    section = SCENARIO.ensembles[ensemble]
    first, stop, size = section.first_seed, section.first_seed + section.seeds, SCENARIO.compute.chunk
    return [f"{start}-{min(start + size, stop) - 1}" for start in range(first, stop, size)]


def n_networks(wildcards):
    first, last = map(int, wildcards.seeds.split("-"))
    return last - first + 1


def points(run):
    """Folder names of a run's temperatures or batch sizes."""
    section = SCENARIO.runs[run]
    return [f"T{value:.10g}" for value in section.temperatures] + [f"B{value}" for value in section.batch_sizes]


def value_of(run, point):
    """The temperature or batch size that a folder name stands for, as the config has it."""
    section = SCENARIO.runs[run]
    return dict(zip(points(run), section.temperatures + section.batch_sizes))[point]


def observables(run, chi=None):
    """Averaged observables of every point of a run."""
    chi = chi or SCENARIO.runs[run].chi
    return [f"{RESULTS}/observables/{run}/{point}/chi{chi:.10g}.nc" for point in points(run)]


def save_resolved_config():
    """Keep what was asked for beside what came of it."""
    with atomic(f"{RESULTS}/config.yaml") as path:
        path.write_text(as_yaml(SCENARIO), encoding="utf-8")
