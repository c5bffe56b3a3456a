"""Messages of a workflow: one live line on a terminal, Snakemake's own text elsewhere."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_quench import LogHandler, live

STATS = {"run": 2, "figure": 1, "total": 3}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def predicted(monkeypatch):
    monkeypatch.setattr(live, "seconds_by_rule", {"run": 30.0, "figure": 15.0})


def record(event=None, level=logging.INFO, msg="", **fields):
    return logging.makeLogRecord({"msg": msg, "levelno": level, "levelname": "INFO", "event": event, **fields})


def started(job, rule, **wildcards):
    return record(
        LogEvent.JOB_INFO, jobid=job, rule_name=rule, wildcards=wildcards, rule_msg=None, local=False,
        is_checkpoint=False, input=[], output=[], log=[], benchmark=None, reason="", priority=0, threads=1, resources={},
    )  # fmt: skip


def failed(job, rule, log):
    return record(
        LogEvent.JOB_ERROR, logging.ERROR, jobid=job, rule_name=rule, input=[], output=[], log=[str(log)],
        conda_env=None, shellcmd="", aux={}, rule_msg=None,
    )  # fmt: skip


def written(monkeypatch, stream, *records, **settings):
    monkeypatch.setattr(sys, "stderr", stream)
    known = dict.fromkeys(("stdout", "nocolor", "dryrun", "verbose", "printshellcmds", "debug_dag"), False)
    handler = LogHandler(SimpleNamespace(**known | settings), None)
    handler.setFormatter(DefaultFormatter(None, show_failed_logs=True))
    for one in records:
        handler.handle(one)
    handler.close()
    return stream.getvalue()


def call(log):
    return (
        record(msg="Building DAG of jobs..."),
        record(LogEvent.RUN_INFO, msg="Job stats: a table", stats=STATS),
        started(1, "run", run="regularised", point="T0.01"),
        started(2, "run", run="regularised", point="T0.1"),
        record(LogEvent.JOB_FINISHED, msg="Finished jobid: 1 (Rule: run)", job_id=1),
        failed(2, "run", log),
        record(msg="Complete log(s): all.log"),
    )


def test_a_terminal_shows_one_line_and_the_log_of_a_failed_job(monkeypatch, tmp_path):
    (tmp_path / "run.log").write_text("quench: out of memory\n")
    text = written(monkeypatch, Terminal(), *call(tmp_path / "run.log"))
    lines = [line.split("\x1b[K")[-1] for line in text.splitlines()]
    assert "quench: out of memory" in text and "Complete log(s): all.log" in lines
    assert "Building DAG" not in text and "Job stats" not in text and "Finished jobid" not in text
    assert "running: run regularised T0.01, run regularised T0.1" in text
    assert lines[-1].startswith("1 of 3 jobs done") and text.endswith("\n")


def test_a_file_gets_all_messages_and_no_control_characters(monkeypatch, tmp_path):
    (tmp_path / "run.log").write_text("quench: out of memory\n")
    text = written(monkeypatch, io.StringIO(), *call(tmp_path / "run.log"))
    assert all(words in text for words in ("Building DAG", "Job stats: a table", "rule run:", "out of memory"))
    assert "\x1b" not in text and "\r" not in text


def test_a_plan_is_printed_on_a_terminal_too(monkeypatch):
    assert "Job stats" in written(monkeypatch, Terminal(), record(msg="Job stats"), dryrun=True, nocolor=True)


def test_time_left_follows_from_predicted_work():
    now = [0.0]
    line = live.Line(io.StringIO(), clock=lambda: now[0])
    line.plan(STATS)
    line.start(1, "run", [])
    assert line.left() is None
    now[0] = 100.0
    line.end(1)
    # 30 of 75 predicted seconds took 100 s.
    assert line.left() == pytest.approx(150)
    assert line.text() == "1 of 3 jobs done · about 2 min left"


def test_a_failed_job_is_neither_running_nor_done():
    line = live.Line(io.StringIO())
    line.plan(STATS)
    line.start(1, "run", ["regularised"])
    line.end(1, done=False)
    assert line.text() == "0 of 3 jobs done"
