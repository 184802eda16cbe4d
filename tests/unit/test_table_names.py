"""Names of tables that the commands take, the same for inbox and outbox."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from headwater.cli import main

both = pytest.mark.parametrize("command", ["inbox", "outbox"])


@both
@pytest.mark.parametrize(
    ("dialect", "name"),
    [("mysql", "x;y"), ("mariadb", "x y"), ("postgresql", "a.b.c"), ("postgresql", '"x"'), ("sqlite", "a.b")],
)
def test_a_name_that_can_not_be_is_refused(command: str, dialect: str, name: str) -> None:
    run = CliRunner().invoke(main, [command, "ddl", "--dialect", dialect, "--table", name])
    assert (run.exit_code, "CREATE" in run.output) == (2, False)
    assert "--table" in run.output


@both
@pytest.mark.parametrize(
    ("dialect", "name"), [("mysql", "shop.events"), ("postgresql", "shop.events"), ("sqlite", "_e2")]
)
def test_a_name_may_have_a_schema(command: str, dialect: str, name: str) -> None:
    run = CliRunner().invoke(main, [command, "ddl", "--dialect", dialect, "--table", name])
    assert (run.exit_code, f"CREATE TABLE {name} (" in run.output) == (0, True)
