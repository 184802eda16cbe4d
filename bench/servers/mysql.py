"""MySQL, which ``MYSQL_URL`` names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pymysql
from pymysql.constants import CLIENT

from bench.server import NAME, Server

VARIABLES = (
    "binlog_row_image",
    "binlog_row_metadata",
    "gtid_mode",
    "binlog_checksum",
    "sync_binlog",
    "innodb_flush_log_at_trx_commit",
    "innodb_buffer_pool_size",
)


class MySqlServer(Server):
    """See `bench.server.Server`."""

    name = "mysql"

    def __init__(self) -> None:
        url = urlsplit(os.environ["MYSQL_URL"])
        self.host, self.port = str(url.hostname), int(url.port or 3306)
        self.user, self.password = str(url.username), str(url.password)
        self.connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )

    def close(self) -> None:
        self.connection.close()

    def version(self) -> str:
        return str(self.query("SELECT VERSION()")[0])

    def settings(self) -> dict[str, str]:
        names = ", ".join(f"'{name}'" for name in VARIABLES)
        return dict(self.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({names})"))

    def connector(self) -> dict[str, str]:
        return {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "topic.prefix": NAME,
            "database.hostname": self.host,
            "database.port": str(self.port),
            "database.user": self.user,
            "database.password": self.password,
            "database.server.id": "99101",
            "database.ssl.mode": "disabled",
            "driver.allowPublicKeyRetrieval": "true",
            "database.include.list": NAME,
            "snapshot.mode": "no_data",
            "include.schema.changes": "false",
        }

    def position(self) -> tuple[str, str]:
        """File and position."""
        file, position, *_ = self.query("SHOW BINARY LOG STATUS")
        return file, str(position)

    def clean_up(self) -> None:
        """The tables, and the log up to here."""
        self.execute(f"DROP DATABASE {NAME}", "FLUSH BINARY LOGS")
        file, _ = self.position()
        self.execute(f"PURGE BINARY LOGS TO '{file}'")

    def execute(self, *statements: str) -> None:
        """Run one statement after the other."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def execute_together(self, statements: Iterable[str]) -> None:
        """Send several statements at once; each is a transaction of its own all the same."""
        with self.connection.cursor() as cursor:
            cursor.execute(";".join(statements))
            while cursor.nextset():
                pass

    def query(self, statement: str) -> tuple[Any, ...]:
        """The first row."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
        assert row is not None
        return row

    def rows(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        """All rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchall())
