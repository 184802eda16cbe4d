"""Structured logs: readable lines on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_OWN_FIELDS = frozenset({"connector", "level", "logger", "state", "task", "timestamp"})
"""What a line is found by: the log's own words and names that are not secret."""


def configure_logs(redact: Callable[[str], str] = str) -> None:
    """Send this process's logs, and those of the libraries it uses, to standard error.

    A traceback is written without the values of local variables: they may hold secrets. ``redact`` takes secrets
    that are known out of a text.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redaction(redact),
                _rendering(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _redaction(redact: Callable[[str], str]) -> Processor:
    """Takes secrets out of every field that is not the log's own."""

    def redacted(value: Any) -> Any:
        if isinstance(value, str):
            return redact(value)
        if isinstance(value, (list, tuple)):
            return [redacted(item) for item in value]
        if isinstance(value, dict):
            return {redacted(name): redacted(item) for name, item in value.items()}
        return value if value is None or isinstance(value, (bool, int, float)) else redact(str(value))

    def process(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {name: value if name in _OWN_FIELDS else redacted(value) for name, value in entry.items()}

    return process


def _rendering() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
