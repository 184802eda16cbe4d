"""Operations for Alembic's migrations: ``op.create_outbox()``, ``op.drop_outbox()``.

Import this module in ``env.py`` or in the migration. A table that is part of the metadata is also found by Alembic's
own ``--autogenerate``, but for PostgreSQL's trigger, which these make.
"""

from __future__ import annotations

from typing import Any

try:
    from alembic.operations import MigrateOperation, Operations
except ImportError as error:
    message = "headwater.outbox.alembic needs Alembic: pip install alembic"
    raise ImportError(message) from error

from headwater.outbox.ddl import drop_statements, statements
from headwater.outbox.table import Delivery


@Operations.register_operation("create_outbox")
class CreateOutbox(MigrateOperation):
    """Make an outbox table."""

    def __init__(self, name: str, delivery: Delivery, schema: str | None) -> None:
        self.name, self.delivery, self.schema = name, delivery, schema

    @classmethod
    def create_outbox(
        cls,
        operations: Operations,
        name: str = "outbox",
        *,
        delivery: str = "log",
        schema: str | None = None,
    ) -> Any:
        """Make the table, its indexes and, for a relay on PostgreSQL, its trigger."""
        return operations.invoke(cls(name, Delivery(delivery), schema))

    def reverse(self) -> DropOutbox:
        """What takes it back."""
        return DropOutbox(self.name, self.schema)


@Operations.register_operation("drop_outbox")
class DropOutbox(MigrateOperation):
    """Drop an outbox table."""

    def __init__(self, name: str, schema: str | None) -> None:
        self.name, self.schema = name, schema

    @classmethod
    def drop_outbox(cls, operations: Operations, name: str = "outbox", *, schema: str | None = None) -> Any:
        """Drop the table and what belongs to it."""
        return operations.invoke(cls(name, schema))


@Operations.implementation_for(CreateOutbox)
def _create(operations: Operations, operation: CreateOutbox) -> None:
    for statement in statements(_dialect(operations), _full_name(operation), operation.delivery):
        operations.execute(statement)


@Operations.implementation_for(DropOutbox)
def _drop(operations: Operations, operation: DropOutbox) -> None:
    for statement in drop_statements(_dialect(operations), _full_name(operation)):
        operations.execute(statement)


def _dialect(operations: Operations) -> str:
    return str(operations.get_context().dialect.name)


def _full_name(operation: CreateOutbox | DropOutbox) -> str:
    return f"{operation.schema}.{operation.name}" if operation.schema else operation.name
