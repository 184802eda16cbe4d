"""The inbox in Django, on SQLite: its migration, and recording in ``transaction.atomic``.

In a process of its own, because Django is configured once in a process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SERVICE = """
import sys
from datetime import timedelta

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["headwater.inbox.django"],
)
django.setup()

from django.core.management import call_command
from django.db import connection, transaction

from headwater.inbox import AutocommitError, Message, Subscription
from headwater.inbox.django import Inbox
from headwater.testing import Topic

call_command("migrate", verbosity=0)
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE handled (value TEXT)")


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
    assert inbox.record("default", "g", "2")
    assert not inbox.record("default", "g", "2")
try:
    inbox.record("default", "g", "3")
except AutocommitError:
    pass
else:
    raise AssertionError("recorded without a transaction")
assert inbox.prune(timedelta(days=1)) == 0
assert inbox.prune(timedelta(seconds=-2)) == 2
call_command("migrate", "headwater_inbox", "zero", verbosity=0)
assert "headwater_inbox" not in connection.introspection.table_names()
print("done")
"""


def test_a_service_on_django(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SERVICE, str(tmp_path / "db.sqlite3")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
