"""quench config: one line where all is well, every mistake where it is not, and documents on any terminal."""

import os
import subprocess
import sys

import pytest
import yaml
from places import CONFIG

from quench.cli import main
from quench.config.scenario import load_files, resolve


def test_a_correct_file_is_one_line(capsys):
    assert main(["config", str(CONFIG / "config.yaml"), str(CONFIG / "smoke.yaml")]) == 0
    line = capsys.readouterr().out
    assert line.startswith("ok: scenario 'smoke': ") and line.count("\n") == 1


def test_print_gives_the_resolved_scenario(capsys):
    files = [str(CONFIG / "config.yaml"), str(CONFIG / "smoke.yaml")]
    assert main(["config", *files, "--print"]) == 0
    assert resolve(yaml.safe_load(capsys.readouterr().out)) == load_files(files)


def test_overlay_alone_is_refused_with_the_call_that_checks_it(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("ensembles: {regularised: {weight_decay: 0.003}}\n")
    assert main(["config", str(tmp_path / "mine.yaml")]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.endswith(f"quench config config/config.yaml {tmp_path / 'mine.yaml'}")


@pytest.mark.parametrize("words", [["--reference"], ["--schema"], [str(CONFIG / "config.yaml"), "--print"]])
def test_documents_are_written_on_a_terminal_without_their_characters(words):
    command = [sys.executable, "-m", "quench", "config", *words]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode("utf-8")
