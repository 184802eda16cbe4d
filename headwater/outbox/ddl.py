"""The statements that make an outbox table, for each database."""

from __future__ import annotations

from sqlalchemy import Dialect, MetaData
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from headwater.outbox.sqlalchemy import notification_ddl, outbox_table
from headwater.outbox.table import Delivery

_DIALECTS: dict[str, type[Dialect]] = {
    "mysql": MySQLDialect,
    "mariadb": MariaDBDialect,
    "postgresql": PGDialect,
    "sqlite": SQLiteDialect,
}


def statements(dialect: str, name: str, delivery: Delivery) -> list[str]:
    """The statements for one of mysql, mariadb, postgresql and sqlite, in their order; ``name`` may have a schema."""
    *schema, table_name = name.split(".")
    table = outbox_table(MetaData(), table_name, delivery=delivery, schema=".".join(schema) or None)
    compiler = _DIALECTS[dialect]()
    created = (CreateTable(table), *(CreateIndex(index) for index in sorted(table.indexes, key=lambda i: str(i.name))))
    made = [str(statement.compile(dialect=compiler)).strip() for statement in created]
    notifies = dialect == "postgresql" and delivery is Delivery.RELAY
    return made + (notification_ddl(table) if notifies else [])
