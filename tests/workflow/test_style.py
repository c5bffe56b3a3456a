"""Lint and format of Python and Snakemake files, as CI runs them."""

import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT


def quiet(*command, folder=ROOT):
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_ruff_has_no_complaint():
    quiet(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_python_is_formatted():
    quiet(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", ".")


def test_snakemake_files_are_formatted():
    quiet(str(Path(sys.executable).parent / "snakefmt"), "--check", "Snakefile", "workflow", "rules")


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
def test_snakemakes_linter_has_no_complaint(untouched):
    untouched.overlay({})
    quiet(sys.executable, "-m", "snakemake", "--lint", folder=untouched.folder)
