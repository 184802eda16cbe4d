"""Makes a connector's topics on the cluster."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from headwater.sinks.kafka.errors import creation_error, is_final
from headwater.sinks.kafka.options import Settings
from headwater.sinks.kafka.topics import TopicCreation

REQUEST_SECONDS = 10.0
"""How long the cluster may take to answer before it is asked again."""


class TopicAdmin:
    """Makes the topics that are missing, with the settings of ``creation``, signed in as the producer is."""

    def __init__(self, creation: TopicCreation, settings: Settings) -> None:
        self._creation = creation
        # No log of its own: the producer tells of the same brokers, and every answer here carries its error.
        self._settings = settings | {"log_level": 0}
        self._client: AdminClient | None = None

    def ensure(self, topic: str) -> str | None:
        """See to it that ``topic`` exists, unless it is the brokers' to make it; gives what is in the way for now.

        A topic that exists is left as it is, and asks for no right but DESCRIBE. Raises `SinkError` for what
        trying again won't mend.
        """
        new = self._creation.new_topic(topic)
        if new is None:
            return None
        if self._client is None:
            self._client = AdminClient(self._settings)
        try:
            if not self._exists(self._client, topic):
                self._client.create_topics([new], request_timeout=REQUEST_SECONDS)[topic].result()
        except KafkaException as exception:
            error = exception.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return None
            if is_final(error):
                raise creation_error(error, topic) from exception
            return str(error.str())
        return None

    @staticmethod
    def _exists(client: AdminClient, topic: str) -> bool:
        try:
            client.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_SECONDS)[topic].result()
        except KafkaException as exception:
            if exception.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return False
            raise
        return True
