"""The MySQL server that everyone reads from, and the broker that some write to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import pymysql
from pymysql.constants import CLIENT


class MySqlServer:
    """A connection to the server that ``MYSQL_URL`` names; a context manager."""

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @property
    def pid(self) -> int:
        """The server's process; 0 where it runs on another machine."""
        return process_listening_on(self.port)

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

    def position(self) -> tuple[str, int]:
        """File and position of the log's end."""
        file, position, *_ = self.query("SHOW BINARY LOG STATUS")
        return file, position


def process_listening_on(port: int) -> int:
    """The process that listens on a TCP port of this machine; 0 if it can't be told."""
    listening = "0A"
    inodes = {
        f"socket:[{fields[9]}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # gone, or another user's
            continue
    return 0
