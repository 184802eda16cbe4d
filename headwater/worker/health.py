"""How a worker is, in Kafka Connect's words (KIP-1017).

Source: ``org.apache.kafka.connect.runtime.rest.entities.WorkerStatus``.
"""

from __future__ import annotations

from enum import Enum

TIMEOUT_SECONDS = 10.0
"""How long a worker may be busy with a change before it counts as not well: Kafka Connect's."""


class Health(Enum):
    """A state of the worker; its value is the word for it."""

    HEALTHY = "healthy"
    STARTING = "starting"
    UNHEALTHY = "unhealthy"

    @property
    def message(self) -> str:
        """The state in a sentence."""
        return _MESSAGES[self]


_MESSAGES = {
    Health.HEALTHY: "Worker has completed startup and is ready to handle requests.",
    Health.STARTING: "Worker is still starting up.",
    Health.UNHEALTHY: "Worker was unable to handle this request and may be unable to handle other requests.",
}
