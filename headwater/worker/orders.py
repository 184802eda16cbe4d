"""What a worker tells a task that runs, through the pipe between them."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection

import structlog

from headwater.logs import set_level

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """Deliver what is under way, store the offset and end."""


@dataclass(frozen=True, slots=True)
class ResetTopics:
    """The topics that messages went to were forgotten: note each anew that a message goes to."""


@dataclass(frozen=True, slots=True)
class SetLogLevel:
    """Give loggers, and all below them, a level; see `headwater.logs.set_level`."""

    loggers: tuple[str, ...]
    level: str


Order = Stop | ResetTopics | SetLogLevel


class Orders:
    """A task's orders: a thread takes them, the task carries out what it finds asked for."""

    def __init__(self, pipe: Connection) -> None:
        self.stop = threading.Event()
        self.reset_topics = threading.Event()
        self._pipe = pipe
        threading.Thread(target=self._take, name="orders", daemon=True).start()

    def _take(self) -> None:
        """Take the worker's word; its end is the task's too, and so is an order that can't be carried out.

        A task that no longer hears its worker must not go on.
        """
        try:
            while True:
                match self._pipe.recv():
                    case Stop():
                        self.stop.set()
                    case ResetTopics():
                        self.reset_topics.set()
                    case SetLogLevel(loggers, level):
                        for logger in loggers:
                            set_level(logger, level)
        except (EOFError, OSError):
            os._exit(1)
        except BaseException:
            log.exception("an order could not be carried out")
            os._exit(1)
