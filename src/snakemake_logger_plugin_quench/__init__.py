"""Snakemake's messages: on a terminal one live line, warnings and errors; in a file or pipe all of them, as without this.

Snakemake finds this package by its name, and ``profiles/default`` chooses it. ``.snakemake/log`` has all messages anyway.
Snakemake loads it before the rules, which choose the quench beside them: this package imports no quench.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_quench.live import Line

# Messages without an event of their own that the end of a call needs.
_SHOWN = ("Nothing to be done", "Complete log", "Shutting down")


class LogHandler(LogHandlerBase):
    """Writes to the terminal; the text of a failed job includes its log."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        settings: Any = self.common_settings
        stream = sys.stdout if settings.stdout else sys.stderr
        detailed = settings.dryrun or settings.verbose or settings.printshellcmds or settings.debug_dag
        self.line = Line(stream) if stream.isatty() and not detailed else None
        self.text = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream)

    def emit(self, record: logging.LogRecord) -> None:
        if self.line is None:
            self.text.setFormatter(self.formatter)
            self.text.emit(record)
        elif record.levelno >= logging.WARNING or record.getMessage().startswith(_SHOWN):
            self.line.print(self.format(record))
        self._follow(record.__dict__)

    def _follow(self, told: dict[str, Any]) -> None:
        if self.line is None:
            return
        match told.get("event"):
            case LogEvent.RUN_INFO:
                self.line.plan(told["stats"])
            case LogEvent.JOB_INFO:
                self.line.start(told["jobid"], told["rule_name"], list(dict(told["wildcards"]).values()))
            case LogEvent.JOB_FINISHED:
                self.line.end(told["job_id"])
            case LogEvent.JOB_ERROR:
                self.line.end(told["jobid"], done=False)

    def close(self) -> None:
        if self.line is not None:
            self.line.close()
        super().close()
