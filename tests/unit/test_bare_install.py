"""Without torch and Snakemake: what ``pip install quench`` brings works, and the rest names the extra that it needs."""

import os
import subprocess
import sys

import pytest
from places import SOURCE

# Python imports this at its start, wherever the path holds it.
BLOCK = """
import sys

class Blocked:
    def find_spec(name, path=None, target=None):
        if name in ("torch", "torchvision", "snakemake", "curvlinops"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked)
"""


@pytest.fixture
def bare(tmp_path):
    """Run Python without the optional packages."""
    (tmp_path / "sitecustomize.py").write_text(BLOCK)
    paths = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(SOURCE)])}

    def python(*words):
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True, check=False
        )  # fmt: skip

    return python


WORKS = """
import importlib, sys
import numpy as np
import quench
from quench.cli import COMMANDS
from quench.figures import declared

for figure in declared.known():
    importlib.import_module(f"quench.figures.{figure}")
for command in COMMANDS:
    importlib.import_module("quench.cli." + command.replace("-", "_"))
digits = quench.prepare("mnist5k", subset=100, components=4)
networks = quench.pretrain(digits, width=4, depth=2, epochs=2, seeds=[0])
run = quench.langevin(networks, digits, temperature=1.0, waiting_times=[5], lag_max=20)
assert (quench.observe(run, chi=5)["msd"].sel(lag=20) > 0).all()
assert quench.pspin(t_max=1.0, resolution="fast")["energy"][-1] < 0
assert "torch" not in sys.modules
"""


@pytest.mark.slow
def test_engine_observables_glass_and_figures_need_no_extra(bare):
    ended = bare("-c", WORKS)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    "words, told",
    [
        (("-m", "quench", "status"), "this needs snakemake, which is not installed; pip install 'quench[workflow]'"),
        (
            ("-c", "import quench; quench.record"),
            "this needs torch, which is not installed; pip install 'quench[torch]'",
        ),
    ],
)
def test_missing_extra_is_one_line(bare, words, told, tmp_path):
    (tmp_path / "Snakefile").touch()
    ended = bare(*words)
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[-1].endswith(told)


def test_command_that_needs_torch_says_so(bare, tmp_path):
    made = (
        "from quench.cli import main; import sys; "
        "sys.exit(main('prepare --source mnist5k --subset 100 --components 4 -o data.nc'.split()) or "
        "main('pretrain data.nc --width 4 --seeds 0 --learning-rate 0.1 --epochs 1 --backend reference -o n.nc'.split()))"
    )
    ended = bare("-c", made)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "quench: this needs torch, which is not installed; pip install 'quench[torch]'"
    )
    assert "Traceback" not in ended.stderr
