"""The outbox table as a model: the columns that `headwater outbox ddl --for relay` makes."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from headwater.outbox.table import Status
from headwater.outbox.trace_context import LONGEST

TABLE = "outbox"


class OutboxEvent(models.Model):
    """An event on its way out. To be written by `headwater.outbox.django.publishing.Outbox`, and not by hand."""

    position = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=36, unique=True)
    aggregate_type = models.CharField(max_length=255)
    aggregate_id = models.CharField(max_length=255)
    type = models.CharField(max_length=255)
    payload = models.JSONField()
    headers = models.JSONField(null=True)
    traceparent = models.CharField(max_length=LONGEST["traceparent"], null=True)
    tracestate = models.CharField(max_length=LONGEST["tracestate"], null=True)
    timestamp = models.DateTimeField(db_default=Now())
    status = models.CharField(
        max_length=9, db_default=Status.STARTED.value, choices=[(s.value, s.value) for s in Status]
    )
    attempts = models.IntegerField(db_default=0)
    reason = models.TextField(null=True)
    lease_owner = models.CharField(max_length=36, null=True)
    lease_until = models.BigIntegerField(null=True)

    class Meta:
        """Where it is."""

        db_table = TABLE
        indexes = [  # noqa: RUF012 - Django wants a list
            models.Index(fields=["status", "position"], name="ix_outbox_status"),
            models.Index(fields=["aggregate_type", "aggregate_id", "status", "position"], name="ix_outbox_aggregate"),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.aggregate_type} {self.aggregate_id}"
