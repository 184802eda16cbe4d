"""Debezium's custom converters (``converters``): of its own, the one that makes booleans of ``TINYINT(1)``.

``converters=flags`` names converters, ``flags.type`` is the class of one, and what else starts with ``flags.``
configures it. Converters of Java's classes can't run here.

Source: ``TinyIntOneToBooleanConverter`` and ``CustomConverterServiceProvider`` of Debezium 3.6.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headwater.config import REQUIRED, ConfigDef, ConfigError, Importance, Option, OptionType, Problem, Width
from headwater.sources.filters import check_patterns, patterns
from headwater.sources.mysql.table import BOOLEAN, Column, Table

CONVERTERS = Option(
    "converters",
    OptionType.LIST,
    [],
    "Names of converters, each configured by options that start with the name: NAME.type is its class.",
    label="List of prefixes defining custom values converters.",
    width=Width.LONG,
)
TINYINT_TO_BOOLEAN = (
    "io.debezium.connector.binlog.converters.TinyIntOneToBooleanConverter",
    "io.debezium.connector.mysql.converters.TinyIntOneToBooleanConverter",
)
_OPTIONS = ConfigDef(
    Option("type", OptionType.CLASS, REQUIRED, f"The converter: {TINYINT_TO_BOOLEAN[0]}.", Importance.HIGH),
    Option(
        "selector",
        OptionType.STRING,
        None,
        "The columns (database.table.column) to convert, as regular expressions; without it, all.",
        Importance.HIGH,
        check_patterns,
    ),
    Option(
        "length.checker",
        OptionType.BOOLEAN,
        True,
        "Whether only TINYINT(1) is converted. MySQL 8 shows the length of no other: TINYINT(1) UNSIGNED needs false.",
    ),
)
_LENGTH = re.compile(r"tinyint\((\d+)\)", re.IGNORECASE)


def converter_names(values: Mapping[str, str]) -> list[str]:
    """What ``converters`` names."""
    return [name.strip() for name in values.get(CONVERTERS.name, "").split(",") if name.strip()]


@dataclass(frozen=True, slots=True)
class TinyIntToBoolean:
    """Which columns become booleans: true for what is above 0."""

    selector: Sequence[re.Pattern[str]] = ()
    checks_length: bool = True

    def takes(self, table: Table, column: Column) -> bool:
        """Whether a column becomes a boolean."""
        if column.type != "tinyint" or (self.checks_length and _length(column) != 1):
            return False
        name = f"{table.id}.{column.name}"
        return not self.selector or any(pattern.fullmatch(name) for pattern in self.selector)


def _length(column: Column) -> int | None:
    """The width that the declaration gives: MySQL 8 shows it for ``TINYINT(1)`` alone."""
    found = _LENGTH.match(column.type_text or "")
    return None if found is None else int(found[1])


def read_converters(values: Mapping[str, str]) -> tuple[TinyIntToBoolean, ...]:
    """The converters of a configuration. Raises `ConfigError` with all problems at once."""
    converters, problems = [], []
    for name in converter_names(values):
        prefix = f"{name}."
        own = {option[len(prefix) :]: text for option, text in values.items() if option.startswith(prefix)}
        parsed, found = _OPTIONS.check(own)
        problems += [Problem(prefix + each.option, f"converter {name}: {each.message}") for each in found]
        if found:
            continue
        if parsed["type"] not in (*TINYINT_TO_BOOLEAN, TINYINT_TO_BOOLEAN[0].rpartition(".")[2]):
            reason = f"converters that are classes of Java's can't run here; there is {TINYINT_TO_BOOLEAN[0]}"
            text = f"Invalid value {parsed['type']} for configuration {prefix}type: {reason}"
            problems.append(Problem(f"{prefix}type", text))
            continue
        converters.append(TinyIntToBoolean(patterns(parsed["selector"] or ""), parsed["length.checker"]))
    if problems:
        raise ConfigError(problems)
    return tuple(converters)


def with_booleans(table: Table, converters: Sequence[TinyIntToBoolean]) -> Table:
    """The table with its columns that become booleans of the type `BOOLEAN`."""
    return replace(
        table,
        columns=tuple(
            replace(column, type=BOOLEAN) if any(each.takes(table, column) for each in converters) else column
            for column in table.columns
        ),
    )
