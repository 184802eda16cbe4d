"""What a workload is: what is written into a server's log once and then read by every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from bench.server import Server

ServerT = TypeVar("ServerT", bound=Server)


@dataclass(frozen=True)
class Workload(ABC, Generic[ServerT]):
    """``events`` rows or documents, ``rows`` written together; each becomes one event of one topic."""

    server: ClassVar[type[Server]]
    """The kind of server that it is written to."""

    name: str
    title: str
    events: int
    rows: int
    schemas: bool = False
    """Whether JsonConverter writes each message's schema with it."""
    avro: bool = False
    """Whether AvroConverter writes, with a schema registry, instead of JsonConverter."""
    sink: str = "counting"
    pairs: int = 5

    @property
    @abstractmethod
    def topic(self) -> str:
        """Where its events go; the first of several."""

    @abstractmethod
    def connector(self, server: ServerT) -> dict[str, str]:
        """The configuration of a connector that captures it."""

    @abstractmethod
    def create(self, server: ServerT) -> None:
        """Make the tables or collections, empty."""

    @abstractmethod
    def load(self, server: ServerT) -> None:
        """Write the rows."""
