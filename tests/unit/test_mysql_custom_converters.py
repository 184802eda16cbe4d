"""Which columns ``TinyIntOneToBooleanConverter`` takes, and what of its configuration is refused."""

from __future__ import annotations

import pytest

from headwater.config import ConfigError
from headwater.sources.mysql.custom_converters import TINYINT_TO_BOOLEAN, read_converters, with_booleans
from headwater.sources.mysql.table import BOOLEAN, Column, Table

TABLE = Table(
    "shop",
    "orders",
    (
        Column("paid", "tinyint", nullable=False, type_text="tinyint(1)"),
        Column("sent", "tinyint", nullable=True, type_text="tinyint(1)"),
        Column("count", "tinyint", nullable=True, type_text="tinyint"),
        Column("flags", "int", nullable=True, type_text="int"),
    ),
    (),
)


def booleans(**options: str) -> list[str]:
    given = {f"flags.{name.replace('_', '.')}": text for name, text in options.items()}
    config = {"converters": "flags", "flags.type": TINYINT_TO_BOOLEAN[0], **given}
    converted = with_booleans(TABLE, read_converters(config))
    return [column.name for column in converted.columns if column.type == BOOLEAN]


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ({}, ["paid", "sent"]),
        ({"selector": r"shop\.orders\.PAID, other.*"}, ["paid"]),
        ({"selector": r"orders\.paid"}, []),
        ({"length_checker": "false"}, ["paid", "sent", "count"]),
    ],
)
def test_columns_that_become_booleans(options: dict[str, str], columns: list[str]) -> None:
    assert booleans(**options) == columns


@pytest.mark.parametrize(
    ("options", "option", "reason"),
    [
        ({"flags.selector": "x"}, "flags.type", "Missing required configuration"),
        ({"flags.type": "com.acme.Own"}, "flags.type", "classes of Java's can't run here"),
        ({"flags.type": TINYINT_TO_BOOLEAN[0], "flags.selector": "("}, "flags.selector", "not a regular expression"),
    ],
)
def test_what_is_refused(options: dict[str, str], option: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_converters({"converters": "flags", **options})
    assert [problem.option for problem in caught.value.problems] == [option]
    assert reason in caught.value.problems[0].message
