"""What can be wrong with an event. Each error is raised before anything is written.

Messages name fields and sizes, never values: payloads and ids are people's data, and errors end in logs.
"""


class OutboxError(Exception):
    """An event could not be published; the transaction is as it was before the call."""


class InvalidFieldError(OutboxError, ValueError):
    """A member of the event is missing, is not what it has to be, is empty, or doesn't fit its column."""

    def __init__(self, event_type: str, field: str, problem: str) -> None:
        super().__init__(f"{event_type}: {field} {problem}")
        self.event_type = event_type
        self.field = field


class PayloadNotSerializableError(OutboxError, TypeError):
    """The payload holds something that JSON has no form for."""

    def __init__(self, event_type: str, reason: str) -> None:
        super().__init__(f"{event_type}: payload can't be written as JSON: {reason}")
        self.event_type = event_type


class PayloadTooLargeError(OutboxError, ValueError):
    """The payload's JSON is larger than the outbox takes. `size` and `limit` are bytes of UTF-8."""

    def __init__(self, event_type: str, size: int, limit: int) -> None:
        super().__init__(
            f"{event_type}: payload is {size} bytes of JSON, the limit is {limit}; publish a reference "
            "to the data, or raise max_payload_bytes (and what the broker and its consumers accept)"
        )
        self.event_type = event_type
        self.size = size
        self.limit = limit


class AutocommitError(OutboxError):
    """Every statement is committed by itself, so there is no transaction to publish in."""

    def __init__(self, what: str = "the connection is in autocommit mode") -> None:
        super().__init__(
            f"{what}, so the event would show even if the change it tells of is rolled back: publish in a transaction"
        )
