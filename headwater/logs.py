"""Structured logs: readable lines on a terminal, one JSON object a line elsewhere; levels that can be changed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_OWN_FIELDS = frozenset({"connector", "level", "logger", "state", "task", "timestamp"})
"""What a line is found by: the log's own words and names that are not secret."""


LEVELS = {
    "ALL": 1,
    "TRACE": 5,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "FATAL": logging.CRITICAL,
    "OFF": logging.CRITICAL + 1,
}
"""Log4j's names of levels, with the number that Python's `logging` gives them."""

ROOT = "root"
"""The name of the logger that all others inherit from, as Log4j has it."""


def starting_levels(root: str = "INFO") -> dict[str, str]:
    """The loggers that have a level of their own at the start, with its name."""
    return {ROOT: root, "uvicorn": "WARN"}


class _Redaction:
    """Takes secrets out of every field of a line that is not the log's own; none until `redact_logs`."""

    def __init__(self) -> None:
        self.redact: Callable[[str], str] = str

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {name: value if name in _OWN_FIELDS else self._redacted(value) for name, value in entry.items()}

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._redacted(item) for item in value]
        if isinstance(value, dict):
            return {self.redact(str(name)): self._redacted(item) for name, item in value.items()}
        return value if value is None or isinstance(value, (bool, int, float)) else self.redact(str(value))


_redaction = _Redaction()


def redact_logs(redact: Callable[[str], str]) -> None:
    """From now on write nothing to this process's logs that ``redact`` takes out of a text."""
    _redaction.redact = redact


def configure_logs(levels: Iterable[tuple[str, str]] | None = None) -> None:
    """Send this process's logs, and those of the libraries it uses, to standard error.

    A traceback is written without the values of local variables: they may hold secrets. ``levels`` are given to
    loggers in their order, see `set_level`; without them those of `starting_levels`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redaction,
                _rendering(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    for name, level in starting_levels().items() if levels is None else levels:
        set_level(name, level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def set_level(name: str, level: str) -> None:
    """Give a logger, and all below it, a level of `LEVELS`."""
    logger = logging.getLogger(None if name == ROOT else name)
    for other in list(logging.root.manager.loggerDict.values()):  # other threads make loggers meanwhile
        if isinstance(other, logging.Logger) and (name == ROOT or other.name.startswith(f"{name}.")):
            other.setLevel(logging.NOTSET)
    logger.setLevel(LEVELS[level])


def _rendering() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
