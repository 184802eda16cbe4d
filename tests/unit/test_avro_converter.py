"""What AvroConverter writes, value by value and in plans, as fastavro reads it."""

from __future__ import annotations

import io
import json
import struct as binary
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.config import ConfigError
from headwater.converter import ConversionError, RetriableConversionError
from headwater.converters.avro.binary import long
from headwater.converters.avro.connect_schema import scrub
from headwater.converters.avro.converter import AvroConverter, create
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import Const, Slot, Stage, Struct
from tests.connect_values import Planned, planned, run_planned

EDGES = [sign * (1 << bits) + off for bits in range(1, 63) for sign in (-1, 1) for off in (-1, 0, 1)]
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)

Make = Callable[..., AvroConverter]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "schemas"


@pytest.fixture
def make(folder: Path) -> Make:
    def make(*, is_key: bool = False, **options: str) -> AvroConverter:
        given = {name.replace("_", "."): value for name, value in options.items()}
        return create({"schema.registry.url": folder.as_uri(), **given}, is_key=is_key)

    return make


@pytest.fixture(scope="module")
def scrubbing() -> Iterator[AvroConverter]:
    """For schemas with any names."""
    with TemporaryDirectory() as folder:
        yield create({"schema.registry.url": Path(folder).as_uri(), "scrub.invalid.names": "true"}, is_key=False)


def schema_text(folder: Path, message: bytes) -> str:
    """The text of the schema that a message in Confluent's wire format names."""
    magic, number = binary.unpack(">bI", message[:5])
    assert magic == 0
    return (folder / "ids" / f"{number}.avsc").read_text()


def read(folder: Path, message: bytes | None) -> Any:
    """The value, by a reader that knows Avro alone."""
    assert message is not None
    schema = fastavro.parse_schema(json.loads(schema_text(folder, message)))
    rest = io.BytesIO(message[5:])
    value = fastavro.schemaless_reader(rest, schema, None)
    assert rest.read() == b""
    return value


@given(INT64 | st.sampled_from(EDGES))
@example(-(1 << 63))
@example((1 << 63) - 1)
def test_a_long_is_what_avros_own_readers_read(value: int) -> None:
    assert fastavro.schemaless_reader(io.BytesIO(long(value)), "long", None) == value


HAS_ANOTHER_OF_ITS_NAME = struct("N", ("000", Schema(Type.ARRAY, value_schema=struct("N"))))


@settings(max_examples=200, deadline=None)
@given(planned())
@example(Planned(HAS_ANOTHER_OF_ITS_NAME, Slot("a0", Stage.ROW), {}, [{"a0": {"000": []}}]))
def test_a_plan_writes_what_conversion_one_by_one_writes(scrubbing: AvroConverter, case: Planned) -> None:
    try:
        scrubbing.prepare("topic", case.schema)
    except ConversionError:  # such as an empty name, which can't be scrubbed
        if not isinstance(case.node, Const) or case.node.value is not None:
            with pytest.raises(ConversionError):
                run_planned(case, scrubbing)
        return
    assert run_planned(case, scrubbing) == [scrubbing.convert("topic", case.schema, value) for value in case.values()]


def test_an_envelope_is_read_by_fastavro(make: Make, folder: Path) -> None:
    row = struct(
        "server.db.t.Value",
        ("id", Schema(Type.INT32)),
        ("name", Schema(Type.STRING, optional=True)),
        (
            "price",
            Schema(Type.BYTES, True, DECIMAL, 1, parameters=(("scale", "2"), ("connect.decimal.precision", "10"))),
        ),
        ("kind", Schema(Type.INT16, optional=True, default=5)),
        ("ratio", Schema(Type.FLOAT64, optional=True)),
        ("at", Schema(Type.INT64, True, "org.apache.kafka.connect.data.Timestamp", 1)),
    )
    envelope = struct(
        "server.db.t.Envelope",
        ("before", row.as_optional()),
        ("after", row.as_optional()),
        ("op", Schema(Type.STRING)),
    )
    after = {"id": 1, "name": "é", "price": 1234, "kind": None, "ratio": 0.5, "at": 1_700_000_000_123}
    message = make().convert("t", envelope, {"before": None, "after": after, "op": "c"})
    found = read(folder, message)
    assert found["before"] is None
    assert found["op"] == "c"
    assert str(found["after"].pop("price")) == "12.34"
    assert found["after"].pop("at").isoformat() == "2023-11-14T22:13:20.123000+00:00"
    assert found["after"] == {"id": 1, "name": "é", "kind": 5, "ratio": 0.5}


def test_a_schema_keeps_its_number_and_every_subject_its_versions(make: Make, folder: Path) -> None:
    first, second = Schema(Type.STRING), Schema(Type.INT64)
    messages = [
        make().convert("t", first, "a"),
        make().convert("t", second, 1),
        make().convert("t", Schema(Type.STRING), "b"),
        make(is_key=True).convert("t", first, "c"),
    ]
    assert [message[:5] for message in messages if message] == [
        b"\0\0\0\0\1",
        b"\0\0\0\0\2",
        b"\0\0\0\0\1",
        b"\0\0\0\0\1",
    ]
    versions = {file.name: json.loads(file.read_text()) for file in (folder / "subjects").iterdir()}
    assert versions == {"t-value.json": [1, 2], "t-key.json": [1]}


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [
        ("TopicNameStrategy", "t-value"),
        ("RecordNameStrategy", "a.B"),
        ("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", "t-a.B"),
    ],
)
def test_subjects_are_named_by_strategy(make: Make, folder: Path, strategy: str, subject: str) -> None:
    schema = struct("a.B", ("c", Schema(Type.INT32)))
    make(value_subject_name_strategy=strategy).convert("t", schema, {"c": 1})
    assert [file.name for file in (folder / "subjects").iterdir()] == [f"{subject.replace('.', '%2E')}.json"]


def test_a_strategy_by_record_refuses_what_has_no_name(make: Make) -> None:
    with pytest.raises(ConversionError, match=r"topic t: value\.subject\.name\.strategy=RecordNameStrategy needs"):
        make(value_subject_name_strategy="RecordNameStrategy").convert("t", Schema(Type.STRING), "a")


@pytest.mark.parametrize("schema", [None, Schema(Type.STRING, optional=True), struct("a", optional=True)])
def test_null_is_a_null_message_and_registers_nothing(make: Make, folder: Path, schema: Schema | None) -> None:
    assert make().convert("t", schema, None) is None
    assert not folder.exists()


def test_whole_keys_and_values_of_bytes_stand_there_as_they_are(make: Make) -> None:
    schema = Schema(Type.BYTES)
    assert make().convert("t", schema, b"abc") == b"\0\0\0\0\1abc"
    case = Planned(schema, Slot("a0", Stage.ROW), {}, [{"a0": b"abc"}])
    assert run_planned(case, make()) == [b"\0\0\0\0\1abc"]


def test_a_slot_that_is_null_is_a_null_message(make: Make) -> None:
    case = Planned(Schema(Type.STRING, optional=True), Slot("a0", Stage.ROW), {}, [{"a0": None}, {"a0": "x"}])
    assert run_planned(case, make()) == [None, b"\0\0\0\0\1\2\2x"]


def test_values_without_a_schema_are_confluents_anything(make: Make, folder: Path) -> None:
    found = read(folder, make().convert("t", None, {"a": [1, None, True, 2.5]}))
    (entry,) = found["map"]
    assert entry["key"]["string"] == "a"
    assert [item["long"] for item in entry["value"]["array"]] == [1, None, None, None]
    assert [item["boolean"] for item in entry["value"]["array"]] == [None, None, True, None]


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (Schema(Type.INT32), None, "null in a field that is required"),
        (Schema(Type.INT8), 128, "out of the range of int8"),
        (struct("a", ("b", Schema(Type.INT8))), {"b": "x"}, "topic t: b: a value of type int8 must be int"),
        (struct("a", ("b-c", Schema(Type.INT8))), {"b-c": 1}, r"topic t: b-c: 'b-c' can't be .*scrub\.invalid\.names"),
        (struct("a", ("b", Schema(Type.INT8))), {"x": 1}, r"\['x'\] are no fields"),
        (struct("int", ("b", Schema(Type.INT8))), {"b": 1}, "can't have the name int"),
        (Schema(Type.BYTES, name=DECIMAL), 1, "a Decimal schema without a scale"),
        (None, b"x", "bytes can't be written without a schema"),
    ],
)
def test_what_does_not_fit_is_refused(make: Make, schema: Schema | None, value: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        make().convert("t", schema, value)


@pytest.mark.parametrize(
    ("name", "scrubbed"),
    [
        ("a", "a"),
        ("a-b", "a_b"),
        ("1a", "x1a"),
        ("é", "_C3_A9"),
        ("a b", "a_b"),
        ("~", "_7E"),
        ("*", "_"),
        ("a.b", "a_b"),
        ("", ""),
    ],
)
def test_names_are_scrubbed_as_confluent_does(name: str, scrubbed: str) -> None:
    assert scrub(name) == scrubbed


def test_a_default_that_avro_has_no_place_for_is_refused(make: Make) -> None:
    keys = Schema(Type.STRING, optional=True)
    tags = Schema(Type.MAP, key_schema=keys, value_schema=Schema(Type.INT8), default={None: 1})
    with pytest.raises(ConversionError, match=r"topic t: tags: .*null for a key"):
        make(**{"allow.optional.map.keys": "true"}).convert("t", struct("r", ("tags", tags)), {"tags": {"a": 1}})


def test_one_type_that_would_be_two_things_is_refused(make: Make) -> None:
    one, other = struct("a", ("b", Schema(Type.INT8))), struct("a", ("b", Schema(Type.STRING)))
    with pytest.raises(ConversionError, match="the Avro type a would stand for two different things"):
        make().convert("t", struct("r", ("x", one), ("y", other)), {"x": {"b": 1}, "y": {"b": "c"}})


def test_the_registrys_latest_schema_decides_where_it_is_asked_to(make: Make, folder: Path) -> None:
    """Fields in its order, those it has alone as their defaults, numbers widened, and what it hasn't left out."""
    wide = struct(
        "r", ("extra", Schema(Type.STRING, default="none")), ("n", Schema(Type.INT64)), ("a", Schema(Type.STRING))
    )
    narrow = struct("r", ("a", Schema(Type.STRING)), ("n", Schema(Type.INT32)), ("gone", Schema(Type.BOOLEAN)))
    make().convert("topic", wide, {"extra": "x", "n": 1, "a": "x"})
    latest = make(auto_register_schemas="false", use_latest_version="true")
    value = {"a": "b", "n": 7, "gone": True}
    message = latest.convert("topic", narrow, value)
    assert read(folder, message) == {"extra": "none", "n": 7, "a": "b"}
    case = Planned(narrow, Struct((Slot("a", Stage.ROW), Slot("n", Stage.EVENT), Const(True))), {"n": 7}, [{"a": "b"}])
    assert run_planned(case, latest) == [message]
    assert len(list((folder / "ids").iterdir())) == 1


def test_a_latest_schema_that_cannot_stand_for_the_messages_is_refused_with_what_differs(make: Make) -> None:
    make().convert("t", struct("r", ("n", Schema(Type.STRING)), ("m", Schema(Type.INT32))), {"n": "x", "m": 1})
    latest = make(auto_register_schemas="false", use_latest_version="true")
    with pytest.raises(RetriableConversionError) as raised:
        latest.convert("t", struct("r", ("n", Schema(Type.INT32))), {"n": 1})
    text = str(raised.value)
    assert "subject t-value: the schema 1 can't stand for the messages': n: int can't be read as string" in text
    assert "m: it is not written, and has no default" in text
    assert "Since the subject's latest schema (id 1): m: is gone; n: was string, is int." in text


def test_a_schema_that_must_be_there_is_waited_for(make: Make) -> None:
    schema = struct("r", ("n", Schema(Type.INT32)))
    strict = make(auto_register_schemas="false")
    with pytest.raises(RetriableConversionError, match=r"subject t-value.*goes on by itself.*registers it") as raised:
        strict.convert("t", schema, {"n": 1})
    with pytest.raises(RetriableConversionError):
        raised.value.again()
    registered = make().convert("t", schema, {"n": 1})
    raised.value.again()
    assert strict.convert("t", schema, {"n": 1}) == registered


def test_use_schema_id(make: Make, folder: Path) -> None:
    make().convert("t", struct("r", ("n", Schema(Type.INT64))), {"n": 1})
    chosen = make(auto_register_schemas="false", use_schema_id="1")
    assert read(folder, chosen.convert("other", struct("r", ("n", Schema(Type.INT32))), {"n": 5})) == {"n": 5}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "schema.registry.url"),
        ({"schema.registry.url": "localhost:8081"}, "must be addresses that begin with http"),
        ({"schema.registry.url": "file:relative"}, "absolute path"),
        ({"schema.registry.url": "http://r", "value.subject.name.strategy": "com.example.Mine"}, "must be one of"),
        ({"schema.registry.url": "http://r", "basic.auth.credentials.source": "USER_INFO"}, "must be name:password"),
        ({"schema.registry.url": "http://r", "schema.registry.ssl.truststore.type": "JKS"}, "must be PEM"),
        ({"schema.registry.url": "https://r", "schema.registry.ssl.truststore.location": "/none"}, "can't be read"),
        ({"schema.registry.url": "http://r", "request.header.X": "y"}, "not supported yet"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        create(options, is_key=False)
