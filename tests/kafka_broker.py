"""A Kafka broker of a test's own, which can crash."""

from __future__ import annotations

from pathlib import Path

from tests.own_service import OwnService


class KafkaBroker(OwnService):
    """A cluster of one broker for a ``with`` block; its data is in ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__("kafka", folder, variable="KAFKA_BOOTSTRAP_SERVERS", ports=2)  # the next is the controller's
        self.address = f"127.0.0.1:{self.port}"
