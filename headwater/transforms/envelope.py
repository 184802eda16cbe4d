"""How transforms tell Debezium's records apart.

Source: ``io.debezium.transforms.SmtManager``, ``io.debezium.data.Envelope`` and ``io.debezium.schema.SchemaFactory``.
"""

from __future__ import annotations

from headwater.record import Schema


def is_envelope(schema: Schema | None) -> bool:
    """Whether a value of this schema is a change event."""
    return schema is not None and schema.name is not None and schema.name.endswith(".Envelope")


def is_schema_change(schema: Schema | None) -> bool:
    """Whether a value of this schema is a change of a table's or database's structure."""
    if schema is None or schema.name is None:
        return False
    return schema.name.endswith((".SchemaChangeValue", ".SchemaChangeKey"))
