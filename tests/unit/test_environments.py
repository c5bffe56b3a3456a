"""The conda environments pin what the lock pins, and the lock holds what pyproject.toml asks for."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from places import ROOT

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;]+)")


def locked() -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if match := PIN.match(line):
            pins.setdefault(match[1].lower(), set()).add(match[2])
    return pins


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environment_equals_lock(path):
    packages = next(entry for entry in yaml.safe_load(path.read_text())["dependencies"] if isinstance(entry, dict))[
        "pip"
    ]
    assert packages
    for requirement in packages:
        name, version = PIN.match(requirement).groups()
        assert version in locked()[name], f"{path.name}: {requirement} but the lock has {locked()[name]}"


def test_every_direct_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = (
        project["project"]["dependencies"] + project["dependency-groups"]["dev"] + extras["torch"] + extras["workflow"]
    )
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()
        assert name in locked(), f"{name} is not in requirements.lock"


def test_every_file_that_may_be_installed_has_a_hash():
    """pip refuses any other file: the versions and their contents are what was tested."""
    entries = re.split(r"^(?=\S+==)", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)[1:]
    assert len(entries) >= len(locked())
    assert not [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)]
    assert "--require-hashes -r requirements.lock" in (ROOT / "Makefile").read_text()


def test_torch_and_torchvision_match():
    # torchvision 0.(n+15).x is built for torch 2.n.x; any other pair fails to import.
    (torch,), (torchvision,) = locked()["torch"], locked()["torchvision"]
    assert int(torchvision.split(".")[1]) == int(torch.split(".")[1]) + 15


def test_continuous_integration_runs_lint_and_tests_on_every_supported_python():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    low, high = (int(number) for number in re.findall(r"3\.(\d+)", wanted))
    assert jobs["check"]["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in range(low, high)]
    targets = (ROOT / "Makefile").read_text()
    for job in jobs.values():
        (command,) = (step["run"] for step in job["steps"] if "run" in step)
        assert f"\n{command.removeprefix('make ')}: " in targets


def test_tests_of_a_group_share_a_worker(tmp_path):
    """Under some versions of pytest, xdist does not group tests: every worker then makes the fixtures of a session."""
    test = "import os, pytest\n@pytest.mark.xdist_group('one')\n@pytest.mark.parametrize('i', range(6))\n"
    (tmp_path / "test_group.py").write_text(
        f"{test}def test_name(i): print('worker', os.environ['PYTEST_XDIST_WORKER'])\n"
    )
    words = [
        "pytest",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "-rP",
        "--rootdir",
        tmp_path,
        tmp_path,
    ]
    ended = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert len({line for line in ended.stdout.splitlines() if line.startswith("worker ")}) == 1, ended.stdout
