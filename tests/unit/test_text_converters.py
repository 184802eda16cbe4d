"""SimpleHeaderConverter and StringConverter: the expected texts are those of Kafka Connect 4.3."""

from typing import Any

import pytest
from hypothesis import given, settings

from headwater.config import ConfigError
from headwater.converter import ConversionError, Converter
from headwater.converters import simple_header, string
from headwater.plan import Converters, plan
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import NULL, EventShape, HeaderShape, MessageShape, Slot, Stage
from tests.connect_values import Planned, planned

HEADER = simple_header.create({}, is_key=False)
STRING = string.create({}, is_key=False)
CONNECT = "org.apache.kafka.connect.data"


def decimal(scale: int) -> Schema:
    return Schema(Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", str(scale)),))


SCALARS = [
    (Schema(Type.STRING), 'a "b"\n', 'a "b"\n'),
    (Schema(Type.STRING), "\ud800", "?"),
    (Schema(Type.INT64), -5, "-5"),
    (Schema(Type.BOOLEAN), True, "true"),
    (Schema(Type.FLOAT64), 1.0, "1.0"),
    (Schema(Type.FLOAT64), 1e7, "1.0E7"),
    (Schema(Type.FLOAT64), -1.25e-5, "-1.25E-5"),
    (Schema(Type.FLOAT64), float("nan"), "NaN"),
    (Schema(Type.FLOAT32), 1.100000023841858, "1.1"),
    (Schema(Type.FLOAT32), float("inf"), "Infinity"),
    (decimal(2), -12345, "-123.45"),
    (decimal(9), 1, "1E-9"),
    (None, 7, "7"),
]


@pytest.mark.parametrize(("schema", "value", "expected"), SCALARS)
@pytest.mark.parametrize("converter", [HEADER, STRING])
def test_scalars(converter: Converter, schema: Schema | None, value: Any, expected: str) -> None:
    assert converter.convert("topic", schema, value) == expected.encode()


@pytest.mark.parametrize("converter", [HEADER, STRING])
def test_null_is_null_whatever_the_default(converter: Converter) -> None:
    assert converter.convert("topic", Schema(Type.STRING, optional=True, default="x"), None) is None


KEY = struct(
    "server.db.t.Key",
    ("id", Schema(Type.INT32)),
    ("name", Schema(Type.STRING)),
    ("price", decimal(2)),
    ("state", Schema(Type.STRING, optional=True, default="new")),
    ("note", Schema(Type.STRING, optional=True)),
)
KEY_VALUE = {"id": 1004, "name": 'a\\"b', "price": 150, "state": None, "note": None}
LISTS = Schema(Type.ARRAY, value_schema=Schema(Type.STRING, optional=True))
MAPS = Schema(Type.MAP, key_schema=Schema(Type.INT32), value_schema=LISTS)


@pytest.mark.parametrize(
    ("schema", "value", "header", "text"),
    [
        (
            KEY,
            KEY_VALUE,
            r'{"id":1004,"name":"a\\\"b","price":1.50,"state":"new","note":null}',
            r"Struct{id=1004,name=a\"b,price=1.50}",
        ),
        (MAPS, {1: ["a", None], 2: []}, '{1:["a",null],2:[]}', "{1=[a, null], 2=[]}"),
        (None, {"k": [1, True]}, '{"k":[1,true]}', "{k=[1, true]}"),
        (Schema(Type.INT32, name=f"{CONNECT}.Date"), 19000, "2022-01-08", "Sat Jan 08 00:00:00 UTC 2022"),
        (Schema(Type.INT32, name=f"{CONNECT}.Time"), 3_600_001, "01:00:00.001Z", "Thu Jan 01 01:00:00 UTC 1970"),
        (
            Schema(Type.INT64, name=f"{CONNECT}.Timestamp"),
            1_676_598_822_003,
            "2023-02-17T01:53:42.003Z",
            "Fri Feb 17 01:53:42 UTC 2023",
        ),
    ],
)
def test_composed_values(schema: Schema | None, value: Any, header: str, text: str) -> None:
    assert HEADER.convert("topic", schema, value) == header.encode()
    assert STRING.convert("topic", schema, value) == text.encode()


def test_bytes_are_base64_in_headers_and_refused_as_strings() -> None:
    assert HEADER.convert("topic", Schema(Type.BYTES), b"\x00\xff") == b"AP8="
    assert HEADER.convert("topic", Schema(Type.ARRAY, value_schema=Schema(Type.BYTES)), [b"\x00"]) == b'["AA=="]'
    with pytest.raises(ConversionError, match="can't write bytes"):
        STRING.convert("topic", Schema(Type.BYTES), b"\x00\xff")


def test_the_character_set_is_an_option() -> None:
    converter = string.create({"converter.encoding": "ISO-8859-1"}, is_key=True)
    assert converter.convert("topic", None, "é€") == b"\xe9?"
    with pytest.raises(ConfigError, match=r"converter\.encoding"):
        string.create({"converter.encoding": "klingon"}, is_key=True)


@settings(max_examples=100, deadline=None)
@given(planned())
def test_a_planned_header_is_what_conversion_one_by_one_gives(case: Planned) -> None:
    header = HeaderShape("h", case.schema, case.node)
    shape = EventShape("t", "create", case, (MessageShape("topic", None, NULL, None, NULL, (header,)),))
    messages = plan(shape, Converters(HEADER, HEADER, HEADER)).function(*case.arguments())
    expected = [HEADER.convert("topic", case.schema, value) for value in case.values()]
    assert [headers for *_, headers, _, _ in messages] == [[("h", value)] for value in expected]


@pytest.mark.parametrize("optional", [True, False])
def test_a_planned_string_is_encoded_in_place(optional: bool) -> None:
    case = Planned(Schema(Type.STRING, optional), Slot("a0", Stage.ROW), {}, [{"a0": "ä"}])
    shape = EventShape("t", "create", case, (MessageShape("topic", case.schema, case.node, None, NULL),))
    planned = plan(shape, Converters(STRING, STRING, STRING))
    assert "a0.encode(" in planned.source
    assert [key for _, _, key, *_ in planned.function(*case.arguments())] == ["ä".encode()]
