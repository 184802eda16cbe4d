"""The outbox table; in PostgreSQL with the trigger that tells the relay of new rows."""

from typing import ClassVar

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Now

from headwater.outbox import notification

TABLE = "outbox"


def create_notification(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Make the trigger."""
    if editor.connection.vendor == "postgresql":
        for statement in notification.create_statements(TABLE):
            editor.execute(statement)


def drop_notification(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Drop it, before the table."""
    if editor.connection.vendor == "postgresql":
        editor.execute(f"{notification.drop_statement(TABLE)} CASCADE")


class Migration(migrations.Migration):
    """Made by ``makemigrations``, but for the trigger."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("position", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.CharField(max_length=36, unique=True)),
                ("aggregate_type", models.CharField(max_length=255)),
                ("aggregate_id", models.CharField(max_length=255)),
                ("type", models.CharField(max_length=255)),
                ("payload", models.JSONField()),
                ("headers", models.JSONField(null=True)),
                ("traceparent", models.CharField(max_length=255, null=True)),
                ("tracestate", models.CharField(max_length=512, null=True)),
                ("timestamp", models.DateTimeField(db_default=Now())),
                (
                    "status",
                    models.CharField(
                        choices=[("STARTED", "STARTED"), ("COMPLETED", "COMPLETED"), ("FAILED", "FAILED")],
                        db_default="STARTED",
                        max_length=9,
                    ),
                ),
                ("attempts", models.IntegerField(db_default=0)),
                ("reason", models.TextField(null=True)),
                ("lease_owner", models.CharField(max_length=36, null=True)),
                ("lease_until", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": TABLE,
                "indexes": [
                    models.Index(fields=["status", "position"], name="ix_outbox_status"),
                    models.Index(
                        fields=["aggregate_type", "aggregate_id", "status", "position"], name="ix_outbox_aggregate"
                    ),
                ],
            },
        ),
        migrations.RunPython(create_notification, drop_notification, elidable=False),
    ]
