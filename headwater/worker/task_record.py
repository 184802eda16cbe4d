"""What a worker knows of a task: its reports, added up over all of its processes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from headwater.report import LastError, Report


class TaskRecord:
    """One task's record since its worker started, or its connector was created.

    ``report``   the last report, with the counts of the processes before
    ``process``  the process's number; None while there is none
    ``starts``   how many processes were started
    ``started``  when the last one was, in Unix seconds
    """

    def __init__(self) -> None:
        self.report = Report()
        self.process: int | None = None
        self.starts = 0
        self.started: float | None = None
        self._before = self.report

    def expect_process(self) -> None:
        """A new process is about to be started, whose reports count from nothing."""
        self._before = self.report

    def begin_process(self, process: int) -> None:
        """It was started."""
        self.process = process
        self.starts += 1
        self.started = time.time()

    def add_report(self, report: Report) -> None:
        """The process has told how it stands."""
        self.report = report.after(self._before)

    def end_process(self) -> None:
        """The process is gone."""
        self.process = None
        self.report = replace(self.report, lag_seconds=None, unacknowledged=0)

    def add_death(self) -> None:
        """The process died without a word."""
        errors = Counter(self.report.errors)
        errors["process"] += 1
        self.report = replace(self.report, errors=errors, last_error=LastError("ProcessDied", time.time()))
