"""The standalone worker's state: one SQLite file that holds configurations, status, offsets and schema history.

The worker and every task open the file themselves. Two locks beside it keep order between processes:

    FILE.lock    held by the one worker that may use the file; holds its process id
    FILE.tasks   held, shared, by every running task, so that a worker that takes over from a killed one can wait
                 until no task of its predecessor runs

A task's writes are conditional on the epoch that its worker started it with, so that a task which outlives its
worker after all changes nothing.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson

from headwater.store import OffsetChange, StaleEpochError, State, Status, TargetState

BUSY_SECONDS = 30.0
"""How long a write waits for another process's write to end."""

SURVIVOR_POLL_SECONDS = 0.05

_CONNECTOR = -1
"""Stands for "the connector itself" in the ``task`` column of ``statuses``."""

_MIGRATIONS = (
    """
    CREATE TABLE connectors (name TEXT PRIMARY KEY, config TEXT NOT NULL) STRICT;
    CREATE TABLE statuses (
        connector TEXT NOT NULL, task INTEGER NOT NULL, state TEXT NOT NULL, worker_id TEXT NOT NULL, trace TEXT,
        PRIMARY KEY (connector, task)
    ) STRICT;
    CREATE TABLE epochs (
        connector TEXT NOT NULL, task INTEGER NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (connector, task)
    ) STRICT;
    CREATE TABLE offsets (
        connector TEXT NOT NULL, "partition" TEXT NOT NULL, "offset" TEXT NOT NULL,
        PRIMARY KEY (connector, "partition")
    ) STRICT;
    CREATE TABLE history (
        connector TEXT NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (connector, position)
    ) STRICT;
    """,
    "ALTER TABLE connectors ADD COLUMN target_state TEXT NOT NULL DEFAULT 'STARTED'",
    "CREATE TABLE topics (connector TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (connector, topic)) STRICT",
)
"""Each script takes the file from the version that is its index to the next (``PRAGMA user_version``)."""


class StateFileError(Exception):
    """The state file can't be used: says which file, why, and what to do."""


def connector_classes(file: Path) -> list[str]:
    """``connector.class`` of the connectors in a state file; empty where it can't be read, which opening it names."""
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT DISTINCT config ->> '$.\"connector.class\"' FROM connectors").fetchall()
    except sqlite3.Error:
        return []
    return [name for (name,) in rows if name is not None]


class SqliteStore:
    """`headwater.store.Store` in a SQLite file, locked for one worker."""

    def __init__(self, file: Path) -> None:
        """Create the file or take it over. Raises `StateFileError`."""
        self._file = file
        _create_private(file)
        self._lock = _lock_for_worker(file)
        try:
            self._database = _connect(file)
            _migrate(self._database, file)
        except BaseException:
            os.close(self._lock)
            raise

    def wait_for_survivors(self, seconds: float) -> bool:
        """Wait until no task of an earlier worker runs; False if one still does after ``seconds``."""
        lock = os.open(_tasks_file(self._file), os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + seconds
        try:
            while not _try_lock(lock, fcntl.LOCK_EX):
                if time.monotonic() >= deadline:
                    return False
                time.sleep(SURVIVOR_POLL_SECONDS)
        finally:
            os.close(lock)
        return True

    def connectors(self) -> dict[str, dict[str, str]]:
        """See `headwater.store.Store.connectors`."""
        rows = self._database.execute("SELECT name, config FROM connectors ORDER BY name")
        return {name: orjson.loads(config) for name, config in rows}

    def target_states(self) -> dict[str, TargetState]:
        """See `headwater.store.Store.target_states`."""
        rows = self._database.execute("SELECT name, target_state FROM connectors ORDER BY name")
        return {name: TargetState(target_state) for name, target_state in rows}

    def put_connector(
        self, name: str, config: Mapping[str, str], target_state: TargetState = TargetState.STARTED
    ) -> None:
        """See `headwater.store.Store.put_connector`."""
        with _transaction(self._database) as database:
            database.execute(
                "INSERT INTO connectors (name, config, target_state) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET config = excluded.config",
                (name, _json(config), target_state),
            )

    def put_target_state(self, name: str, target_state: TargetState) -> None:
        """See `headwater.store.Store.put_target_state`."""
        with _transaction(self._database) as database:
            database.execute("UPDATE connectors SET target_state = ? WHERE name = ?", (target_state, name))

    def delete_connector(self, name: str) -> bool:
        """See `headwater.store.Store.delete_connector`; whatever task of it may still run writes nothing more."""
        with _transaction(self._database) as database:
            database.execute("DELETE FROM statuses WHERE connector = ?", (name,))
            database.execute("DELETE FROM topics WHERE connector = ?", (name,))
            database.execute("UPDATE epochs SET epoch = epoch + 1 WHERE connector = ?", (name,))
            return database.execute("DELETE FROM connectors WHERE name = ?", (name,)).rowcount > 0

    def put_status(self, status: Status) -> None:
        """See `headwater.store.Store.put_status`."""
        task = _CONNECTOR if status.task is None else status.task
        row = (status.connector, task, status.state, status.worker_id, status.trace)
        with _transaction(self._database) as database:
            database.execute("INSERT OR REPLACE INTO statuses VALUES (?, ?, ?, ?, ?)", row)

    def statuses(self, connector: str) -> list[Status]:
        """See `headwater.store.Store.statuses`."""
        rows = self._database.execute(
            "SELECT task, state, worker_id, trace FROM statuses WHERE connector = ? ORDER BY task", (connector,)
        )
        return [
            Status(connector, None if task == _CONNECTOR else task, State(state), worker_id, trace)
            for task, state, worker_id, trace in rows
        ]

    def delete_task_statuses(self, connector: str) -> None:
        """See `headwater.store.Store.delete_task_statuses`."""
        with _transaction(self._database) as database:
            database.execute("DELETE FROM statuses WHERE connector = ? AND task <> ?", (connector, _CONNECTOR))

    def begin_epoch(self, connector: str, task: int) -> int:
        """See `headwater.store.Store.begin_epoch`."""
        with _transaction(self._database) as database:
            ((epoch,),) = database.execute(
                "INSERT INTO epochs VALUES (?, ?, 1)"
                " ON CONFLICT (connector, task) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                (connector, task),
            ).fetchall()
            return int(epoch)

    def offsets(self, connector: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
        """See `headwater.store.Store.offsets`."""
        rows = self._database.execute(
            'SELECT "partition", "offset" FROM offsets WHERE connector = ? ORDER BY "partition"', (connector,)
        )
        return [(orjson.loads(partition), orjson.loads(offset)) for partition, offset in rows]

    def put_offsets(self, connector: str, offsets: Iterable[OffsetChange]) -> None:
        """See `headwater.store.Store.put_offsets`."""
        with _transaction(self._database) as database:
            database.execute("UPDATE epochs SET epoch = epoch + 1 WHERE connector = ?", (connector,))
            for partition, offset in offsets:
                key = (connector, _json_sorted(partition))
                database.execute('DELETE FROM offsets WHERE connector = ? AND "partition" = ?', key)
                if offset is not None:
                    database.execute("INSERT INTO offsets VALUES (?, ?, ?)", (*key, _json(offset)))

    def topics(self, connector: str) -> list[str]:
        """See `headwater.store.Store.topics`."""
        rows = self._database.execute("SELECT topic FROM topics WHERE connector = ? ORDER BY topic", (connector,))
        return [topic for (topic,) in rows]

    def delete_topics(self, connector: str) -> None:
        """See `headwater.store.Store.delete_topics`."""
        with _transaction(self._database) as database:
            database.execute("DELETE FROM topics WHERE connector = ?", (connector,))

    def close(self) -> None:
        """See `headwater.store.Store.close`."""
        self._database.close()
        os.close(self._lock)


class SqliteTaskStore:
    """`headwater.store.TaskStore` for one task and epoch, in the file that a `SqliteStore` made."""

    def __init__(self, file: Path, connector: str, task: int, epoch: int) -> None:
        """Join the tasks that run on ``file``."""
        self._key = (connector, task)
        self._connector = connector
        self._epoch = epoch
        self._lock = os.open(_tasks_file(file), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._database = _connect(file)

    def offset(self, partition: Mapping[str, str]) -> dict[str, Any] | None:
        """See `headwater.store.TaskStore.offset`."""
        row = self._database.execute(
            'SELECT "offset" FROM offsets WHERE connector = ? AND "partition" = ?',
            (self._connector, _json_sorted(partition)),
        ).fetchone()
        return None if row is None else orjson.loads(row[0])

    def history(self) -> list[Mapping[str, Any]]:
        """See `headwater.store.TaskStore.history`."""
        rows = self._database.execute(
            "SELECT entry FROM history WHERE connector = ? ORDER BY position", (self._connector,)
        )
        return [orjson.loads(entry) for (entry,) in rows]

    def commit(
        self,
        partition: Mapping[str, str],
        offset: Mapping[str, Any],
        history: Sequence[Mapping[str, Any]] = (),
        topics: Iterable[str] = (),
    ) -> None:
        """See `headwater.store.TaskStore.commit`."""
        with _transaction(self._database) as database:
            self._check_epoch(database)
            database.execute(
                "INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)",
                (self._connector, _json_sorted(partition), _json(offset)),
            )
            database.executemany(
                "INSERT INTO history SELECT ?1, coalesce(max(position), 0) + 1, ?2 FROM history WHERE connector = ?1",
                [(self._connector, _json(entry)) for entry in history],
            )
            database.executemany(
                "INSERT OR IGNORE INTO topics VALUES (?, ?)", [(self._connector, topic) for topic in topics]
            )

    def close(self) -> None:
        """See `headwater.store.TaskStore.close`."""
        self._database.close()
        os.close(self._lock)

    def _check_epoch(self, database: sqlite3.Connection) -> None:
        row = database.execute("SELECT epoch FROM epochs WHERE connector = ? AND task = ?", self._key).fetchone()
        if row is None or row[0] != self._epoch:
            raise StaleEpochError(
                f"Task {self._key[1]} of connector {self._connector} was started again or deleted; "
                "what this process would have stored is left to its successor"
            )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _json_sorted(value: Mapping[str, Any]) -> str:
    """One text for one mapping, whatever the order of its members: it is a key."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _tasks_file(file: Path) -> Path:
    return file.with_name(file.name + ".tasks")


def _create_private(file: Path) -> None:
    """Make sure that ``file`` exists and that nobody else can read it: configurations hold passwords.

    SQLite gives the files it puts beside the database the database's own mode.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateFileError(
            f"Can't open the state file {file}: {error.strerror}; name one that can be written with"
            " offset.storage.file.filename"
        ) from error
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_for_worker(file: Path) -> int:
    """The descriptor that holds the worker's lock; the lock goes with the process, however that ends."""
    path = file.with_name(file.name + ".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if not _try_lock(descriptor, fcntl.LOCK_EX):
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise StateFileError(
            f"The state file {file} is in use by another worker (process {holder or 'unknown'}); stop that one, or name"
            " another file with offset.storage.file.filename"
        )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _connect(file: Path) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are begun by `_transaction` only."""
    database = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        database.close()
        raise StateFileError(
            f"The file {file} can't be used to keep state: {error}; name another with offset.storage.file.filename"
        ) from error
    return database


def _migrate(database: sqlite3.Connection, file: Path) -> None:
    ((version,),) = database.execute("PRAGMA user_version").fetchall()
    if version > len(_MIGRATIONS):
        raise StateFileError(f"The state file {file} was written by a newer Headwater (its version is {version})")
    for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing, and durable at the end."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
