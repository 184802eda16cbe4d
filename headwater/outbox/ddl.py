"""The statements that make an outbox table, for each database."""

from __future__ import annotations

from sqlalchemy import Dialect, MetaData, Table
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable, ExecutableDDLElement

from headwater.outbox import notification
from headwater.outbox.sqlalchemy import outbox_table
from headwater.outbox.table import Delivery

_DIALECTS: dict[str, type[Dialect]] = {
    "mysql": MySQLDialect,
    "mariadb": MariaDBDialect,
    "postgresql": PGDialect,
    "sqlite": SQLiteDialect,
}


def statements(dialect: str, name: str, delivery: Delivery) -> list[str]:
    """The statements for one of mysql, mariadb, postgresql and sqlite, in their order; ``name`` may have a schema."""
    table = _table(name, delivery)
    compiler = _DIALECTS[dialect]()
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    created: list[ExecutableDDLElement] = [CreateTable(table), *(CreateIndex(index) for index in indexes)]
    made = [str(statement.compile(dialect=compiler)).strip() for statement in created]
    notifies = dialect == "postgresql" and delivery is Delivery.RELAY
    return made + (notification.create_statements(table.name, table.schema) if notifies else [])


def drop_statements(dialect: str, name: str) -> list[str]:
    """The statements that drop an outbox table and what belongs to it."""
    table = _table(name, Delivery.LOG)
    drop = str(DropTable(table).compile(dialect=_DIALECTS[dialect]())).strip()
    return [drop, *([notification.drop_statement(table.name, table.schema)] if dialect == "postgresql" else [])]


def _table(name: str, delivery: Delivery) -> Table:
    *schema, table = name.split(".")
    return outbox_table(MetaData(), table, delivery=delivery, schema=".".join(schema) or None)
