"""The inbox in Django: its migration, forwards and backwards, and recording in ``transaction.atomic``.

In a process of its own, because Django is configured once in a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.sql_databases import KINDS, new_database

BACKENDS = {"mysql": "mysql", "mariadb": "mysql", "postgresql": "postgresql", "sqlite": "sqlite3"}

SERVICE = """
import json
import sys
from datetime import timedelta

import django
import pymysql
from django.conf import settings

pymysql.install_as_MySQLdb()
settings.configure(DATABASES={"default": json.loads(sys.argv[1])}, INSTALLED_APPS=["headwater.inbox.django"])
django.setup()

from django.core.management import call_command
from django.db import connection, transaction

from headwater.inbox import AutocommitError, Message, Subscription
from headwater.inbox.django import Inbox
from headwater.testing import Topic

call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE handled (value VARCHAR(9))")


def handle(using, message):
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute("INSERT INTO handled VALUES (%s)", [message.value.decode()])


def handled():
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM handled")
        return [value for (value,) in cursor.fetchall()]


inbox = Inbox()
topic = Topic(Subscription(broker="kafka://unused", topics=["t"], group="g", inbox=inbox, handler=handle))
topic.send(b"a", message_id="1")
topic.crash_before_commit()
assert handled() == []
topic.crash_after_commit()
assert topic.deliver() == []
topic.send(b"again", message_id="1")
assert topic.deliver() == []
assert handled() == ["a"]

with transaction.atomic():
    assert inbox.record("default", "g", "a")
    assert inbox.record("default", "g", "A")
    assert not inbox.record("default", "g", "a")
try:
    inbox.record("default", "g", "b")
except AutocommitError:
    pass
else:
    raise AssertionError("recorded without a transaction")
assert inbox.prune(timedelta(days=1)) == 0
assert inbox.prune(timedelta(seconds=-2)) == 3
call_command("migrate", "headwater_inbox", "zero", verbosity=0)
assert "headwater_inbox" not in connection.introspection.table_names()
print("done")
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_on_django(kind: str, tmp_path: Path) -> None:
    with new_database(kind, tmp_path) as url:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", SERVICE, json.dumps(settings_of(url))],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr


def settings_of(url: URL) -> dict[str, str]:
    """The database, as Django's settings have it."""
    return {
        "ENGINE": f"django.db.backends.{BACKENDS[url.get_backend_name()]}",
        "NAME": url.database or "",
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": str(url.port or ""),
    }
