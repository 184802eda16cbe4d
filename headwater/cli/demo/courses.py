"""The demo's application: courses in SQLite, and an outbox written in the transaction of each change.

A service would use `headwater.outbox`; here the statements stand as they are, for nothing to be hidden.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any

OUTBOX = "outbox"
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS course (
        course_id CHAR(36) NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, posted BOOLEAN NOT NULL,
        updated_at DATETIME NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox (
        id CHAR(36) NOT NULL PRIMARY KEY, aggregate_type VARCHAR(255) NOT NULL, aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL, payload JSON NOT NULL, timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
    )
    """,
)
_SUBJECTS = ("Events", "Outboxes", "Sagas", "Projections", "Change data capture", "Idempotent consumers")


class Courses:
    """The application: one connection to its database, made where there is none."""

    def __init__(self, file: Path) -> None:
        self.database = sqlite3.connect(file, timeout=30, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        for table in _TABLES:
            self.database.execute(table)

    def create(self) -> tuple[str, str]:
        """A new course; its id and its event's."""
        course = str(uuid.uuid4())
        name = f"{random.choice(_SUBJECTS)}, lesson {random.randrange(1, 100)}"  # noqa: S311
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("INSERT INTO course VALUES (?, ?, 0, ?)", (course, name, _now()))
        event = self._publish("CourseCreatedEvent", course)
        self.database.execute("COMMIT")
        return course, event

    def post(self, course: str) -> str:
        """A course becomes visible; its event's id."""
        self.database.execute("BEGIN IMMEDIATE")
        self.database.execute("UPDATE course SET posted = 1, updated_at = ? WHERE course_id = ?", (_now(), course))
        event = self._publish("CoursePostedEvent", course)
        self.database.execute("COMMIT")
        return event

    def _publish(self, kind: str, course: str) -> str:
        """The event's row is written and deleted at once: the change log is the queue, the table stays empty."""
        event = str(uuid.uuid4())
        row = self.database.execute("SELECT name, posted FROM course WHERE course_id = ?", (course,)).fetchone()
        payload: dict[str, Any] = {"courseId": course, "name": row[0], "posted": bool(row[1])}
        self.database.execute(
            "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload) VALUES (?, 'Course', ?, ?, ?)",
            (event, course, kind, json.dumps(payload)),
        )
        self.database.execute("DELETE FROM outbox WHERE id = ?", (event,))
        return event


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
