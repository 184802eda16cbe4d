"""The inbox's table, as `headwater.inbox.ddl` words it: Django's own fields can't say how ids compare."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import migrations

from headwater.inbox.ddl import ddl

TABLE = "headwater_inbox"


def _create(_apps: Any, editor: Any) -> None:
    connection = editor.connection
    dialect = "mariadb" if getattr(connection, "mysql_is_mariadb", False) else connection.vendor
    for statement in ddl(dialect, TABLE):
        editor.execute(statement)


def _drop(_apps: Any, editor: Any) -> None:
    editor.execute(f"DROP TABLE {TABLE}")


class Migration(migrations.Migration):
    """The first."""

    initial = True
    dependencies: ClassVar[Sequence[tuple[str, str]]] = []
    # Not atomic by itself: Django refuses DDL in a transaction where the database can't roll it back. Elsewhere the
    # migration as a whole is.
    operations: ClassVar[Sequence[Any]] = [migrations.RunPython(_create, _drop, atomic=False)]
