"""Which of librdkafka's errors stop a task, and which only open its sink again."""

import pytest
from confluent_kafka import KafkaError

from headwater.sink import RetriableSinkError
from headwater.sinks.kafka.errors import Size, creation_error, delivery_error, stop_error

SIZE = Size(key=1, value=2)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.UNKNOWN_PRODUCER_ID,
        KafkaError._FATAL,
        KafkaError._FENCED,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError.NOT_ENOUGH_REPLICAS,
    ],
)
def test_what_passes_or_is_mended_by_a_new_producer_is_tried_again(code):
    assert isinstance(delivery_error(KafkaError(code), "t", SIZE), RetriableSinkError)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "grant the producer's user WRITE"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, "IDEMPOTENT_WRITE"),
        (KafkaError.POLICY_VIOLATION, "policy"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "topic.creation.default"),
    ],
)
def test_what_someone_must_mend_stops_the_task_and_says_how(code, mend):
    found = delivery_error(KafkaError(code), "orders", SIZE)
    assert not isinstance(found, RetriableSinkError)
    assert "'orders'" in str(found)
    assert mend in str(found)


def test_a_topic_that_may_not_be_made_says_which_right_is_missing():
    found = creation_error(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "orders")
    assert not isinstance(found, RetriableSinkError)
    assert "'orders' could not be created" in str(found)
    assert "CREATE" in str(found)


def test_a_producer_that_stopped_is_replaced_unless_it_lacks_a_right():
    assert isinstance(stop_error(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, fatal=True)), RetriableSinkError)
    missing_right = stop_error(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, fatal=True))
    assert not isinstance(missing_right, RetriableSinkError)
    assert "IDEMPOTENT_WRITE" in str(missing_right)
