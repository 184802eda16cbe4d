"""What columns and values of SQLite become, by their declared types."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.record import DECIMAL, Type
from headwater.sources.sqlite.table import Column
from headwater.sources.sqlite.types import (
    DATE,
    JSON,
    MICRO_TIME,
    MICRO_TIMESTAMP,
    DecimalMode,
    ValueOptions,
    column_type,
)

FEB_29 = 1_709_210_096_789_000
"""2024-02-29 12:34:56.789 UTC in microseconds since 1970."""

LONG = 1234567890123456789012345678901234567890
"""More digits than a double has, or the default context of Python's decimal numbers."""

CASES: list[tuple[str, Type, str | None, dict[Any, Any]]] = [
    ("INTEGER", Type.INT64, None, {5: 5, -(2**63): -(2**63)}),
    ("unsigned big int", Type.INT64, None, {5: 5}),
    ("FLOATING POINT", Type.INT64, None, {5: 5}),  # SQLite's own rules: it contains INT
    ("VARCHAR(20)", Type.STRING, None, {"ä": "ä", 5: "5", 1.5: "1.5"}),
    ("CLOB", Type.STRING, None, {"": ""}),
    ("BLOB", Type.BYTES, None, {b"\0": b"\0"}),
    ("DOUBLE PRECISION", Type.FLOAT64, None, {1.5: 1.5, 2: 2.0}),
    ("", Type.STRING, None, {"x": "x", 5: "5"}),
    ("UUID", Type.STRING, None, {"x": "x", 5: "5"}),
    ("NUMERIC", Type.FLOAT64, None, {1.5: 1.5, 2: 2.0}),
    ("DECIMAL(10, 2)", Type.BYTES, DECIMAL, {1.5: 150, 2: 200, "3.14": 314, 0.1 + 0.2: 30, -1.005: -101}),
    ("DECIMAL(38,18)", Type.BYTES, DECIMAL, {12345678901.5: 123456789015 * 10**17, -1e19: -(10**37)}),
    ("NUMERIC(40,10)", Type.BYTES, DECIMAL, {"123456789012345678901234567890.1234567890": LONG, 1: 10**10}),
    ("DECIMAL(4,2)", Type.BYTES, DECIMAL, {1.7e308: 17 * 10**309, "1e-400": 0}),
    ("boolean", Type.BOOLEAN, None, {0: False, 1: True}),
    ("DATE", Type.INT32, DATE, {"2024-02-29": 19782, "2024-02-29 10:00": 19782, 86_400: 1, 2_440_587.5: 0, -1: -1}),
    (
        "DATETIME",
        Type.INT64,
        MICRO_TIMESTAMP,
        {
            "2024-02-29 12:34:56.789": FEB_29,
            "2024-02-29T12:34:56.789Z": FEB_29,
            "2024-02-29T14:34:56.789000+02:00": FEB_29,
            1: 1_000_000,
            2_440_588.0: 43_200_000_000,
        },
    ),
    ("TIMESTAMP", Type.INT64, MICRO_TIMESTAMP, {"1969-12-31 23:59:59": -1_000_000}),
    ("TIME", Type.INT64, MICRO_TIME, {"00:00:01.5": 1_500_000, 2: 2_000_000}),
    ("JSON", Type.STRING, JSON, {'{"a": 1}': '{"a": 1}', 5: "5"}),
]


def read(declared: str, value: Any, options: ValueOptions | None = None) -> Any:
    found = column_type(Column("c", declared, nullable=True), options or ValueOptions())
    return value if isinstance(value, found.plain or ()) else found.convert(value)


@pytest.mark.parametrize(("declared", "physical", "name", "values"), CASES)
def test_schemas_and_values(declared: str, physical: Type, name: str | None, values: dict[Any, Any]) -> None:
    schema = column_type(Column("c", declared, nullable=False), ValueOptions()).schema
    assert (schema.type, schema.name, schema.optional) == (physical, name, False)
    for kept, expected in values.items():
        found = read(declared, kept)
        assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("INTEGER", "many"),
        ("INTEGER", 1.5),
        ("TEXT", b"x"),
        ("BLOB", "x"),
        ("REAL", "x"),
        ("BOOLEAN", 2),
        ("BOOLEAN", "true"),
        ("DATE", "soon"),
        ("DATETIME", "2024-02-30 00:00:00"),
        ("DATETIME", b"x"),
        ("TIME", "25:00"),
        ("DECIMAL(4,1)", "many"),
        ("DECIMAL(4,1)", b"x"),
        ("DECIMAL(4,1)", "NaN"),
        ("DECIMAL(4,1)", float("inf")),
    ],
)
def test_a_value_that_breaks_the_declared_types_promise_can_not_be_read(declared: str, value: Any) -> None:
    with pytest.raises(ValueError):
        read(declared, value)


@pytest.mark.parametrize(
    ("mode", "expected"), [(DecimalMode.PRECISE, 150), (DecimalMode.DOUBLE, 1.5), (DecimalMode.STRING, "1.50")]
)
def test_decimal_handling(mode: DecimalMode, expected: Any) -> None:
    assert read("DECIMAL(10,2)", 1.5, ValueOptions(mode)) == expected


def test_decimals_of_many_digits_as_text() -> None:
    text = "123456789012345678901234567890.1234567891"
    assert read("DECIMAL(40,10)", text, ValueOptions(DecimalMode.STRING)) == text


def test_a_decimal_of_too_many_digits_is_refused_for_that() -> None:
    with pytest.raises(ValueError, match="more than 1000 digits"):
        read("DECIMAL(10,2)", "1e999999")


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ("INTEGER", "5", 5),
        ("INTEGER", "'5'", None),
        ("TEXT", "'it''s'", "it's"),
        ("BOOLEAN", "TRUE", True),
        ("DECIMAL(4,2)", "1.5", 150),
        ("DATE", "'2024-02-29'", 19782),
        ("TIMESTAMP", "CURRENT_TIMESTAMP", None),
        ("TEXT", "NULL", None),
        ("REAL", "-.5e1", -5.0),
        ("TEXT", None, None),
    ],
)
def test_defaults(declared: str, text: str | None, expected: Any) -> None:
    column = Column("c", declared, nullable=True, default=text)
    assert column_type(column, ValueOptions()).schema.default == expected
