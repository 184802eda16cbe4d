"""What a worker refuses, whoever asks."""

from __future__ import annotations


class NotFoundError(LookupError):
    """There is no such connector, task or status; the text is Kafka Connect's."""


class NotStoppedError(Exception):
    """A connector's offsets can't be changed while a task may store others; the text is Kafka Connect's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the"
            f" specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
        )


class ConnectorExistsError(Exception):
    """There is a connector of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Connector {name} already exists")


class TopicTrackingError(Exception):
    """The worker's configuration says that topics are not tracked, or not reset; the text is Kafka Connect's."""
