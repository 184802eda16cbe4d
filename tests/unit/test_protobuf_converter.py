"""What ProtobufConverter writes, value by value and in plans, as Google's library reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.config import ConfigError
from headwater.converter import ConversionError, RetriableConversionError
from headwater.converters.protobuf.connect_schema import Mapping, scrub
from headwater.converters.protobuf.converter import ProtobufConverter, create
from headwater.converters.protobuf.parser import parse
from headwater.converters.protobuf.schema import ProtoMessage
from headwater.converters.protobuf.wire import varint
from headwater.record import DECIMAL, Schema, Type, struct
from headwater.shape import Const, Slot, Stage, Struct
from tests.connect_values import Planned, planned, run_planned

Make = Callable[..., ProtobufConverter]
_PLACE = 5
"""Where in a message the place of its type stands, behind the schema's number."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "schemas"


@pytest.fixture
def make(folder: Path) -> Make:
    def make(*, is_key: bool = False, **options: str) -> ProtobufConverter:
        given = {name.replace("_", "."): value for name, value in options.items()}
        return create({"schema.registry.url": folder.as_uri(), **given}, is_key=is_key)

    return make


@pytest.fixture(scope="module")
def scrubbing() -> Iterator[dict[str, ProtobufConverter]]:
    """For schemas with any names, by what becomes of null."""
    with TemporaryDirectory() as folder:
        options = {"schema.registry.url": Path(folder).as_uri(), "scrub.invalid.names": "true"}
        switches = ("optional.for.nullables", "wrapper.for.nullables")
        yield {
            "": create(options, is_key=False),
            **{switch: create({**options, switch: "true"}, is_key=False) for switch in switches},
        }


def read(folder: Path, message: bytes | None) -> Any:
    """The message, by a reader that knows Protobuf and the schema in the folder."""
    assert message is not None
    assert message[_PLACE] == 0  # the first message of the file
    file = parse((folder / "ids" / f"{int.from_bytes(message[1:_PLACE])}.proto").read_text())
    proto = descriptor_pb2.FileDescriptorProto(name="t.proto", package=file.package, syntax="proto3")
    _describe(file.messages[0], proto.message_type.add())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)  # type: ignore[no-untyped-call]
    read_message = message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{file.package}.{file.messages[0].name}")
    )
    return read_message.FromString(message[_PLACE + 1 :])


def _describe(message: ProtoMessage, into: descriptor_pb2.DescriptorProto) -> None:
    into.name = message.name
    for field in message.fields:
        member = into.field.add(name=field.name, number=field.number)
        member.label = member.LABEL_REPEATED if field.label == "repeated" else member.LABEL_OPTIONAL
        if message.find_message(field.type) is not None:
            member.type_name = field.type
        else:
            member.type = descriptor_pb2.FieldDescriptorProto.Type.Value(f"TYPE_{field.type.upper()}")
    for inner in message.messages:
        _describe(inner, into.nested_type.add())


@given(st.integers(-(1 << 63), (1 << 63) - 1))
@example(-(1 << 63))
@example((1 << 14) - 1)
@example(1 << 14)
def test_an_integer_is_what_protobufs_own_readers_read(value: int) -> None:
    assert wrappers_pb2.Int64Value.FromString(b"\x08" + varint(value)).value == value


@settings(max_examples=200, deadline=None)
@given(planned(), st.sampled_from(["", "optional.for.nullables", "wrapper.for.nullables"]))
def test_a_plan_writes_what_conversion_one_by_one_writes(
    scrubbing: dict[str, ProtobufConverter], case: Planned, nulls: str
) -> None:
    converter = scrubbing[nulls]
    try:
        Mapping(scrub_invalid_names=True).schema(case.schema)
    except ConversionError:
        return  # such as an array of arrays
    try:
        expected = [converter.convert("topic", case.schema, value) for value in case.values()]
    except ConversionError:
        with pytest.raises(ConversionError):
            run_planned(case, converter)
        return
    assert run_planned(case, converter) == expected


def test_an_envelope_is_read_by_googles_library(make: Make, folder: Path) -> None:
    tags = Schema(Type.ARRAY, value_schema=Schema(Type.INT32))
    counts = Schema(Type.MAP, name="counts", key_schema=Schema(Type.STRING), value_schema=Schema(Type.INT64))
    row = struct(
        "server.db.t.Value",
        ("id", Schema(Type.INT32)),
        ("name", Schema(Type.STRING, optional=True)),
        ("kind", Schema(Type.INT16, optional=True, default=5)),
        ("ratio", Schema(Type.FLOAT64, optional=True)),
        ("tags", tags),
        ("counts", counts),
    )
    envelope = struct(
        "server.db.t.Envelope",
        ("before", row.as_optional()),
        ("after", row.as_optional()),
        ("op", Schema(Type.STRING)),
    )
    after = {"id": -1, "name": "é", "kind": None, "ratio": -0.0, "tags": [1, -1], "counts": {"a": 0, "": 1 << 40}}
    found = read(folder, make().convert("t", envelope, {"before": None, "after": after, "op": "c"}))
    assert not found.HasField("before")
    assert found.op == "c"
    assert (found.after.id, found.after.name, found.after.kind) == (-1, "é", 5)
    assert str(found.after.ratio) == "-0.0"
    assert list(found.after.tags) == [1, -1]
    assert {each.key: each.value for each in found.after.counts} == {"a": 0, "": 1 << 40}


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (Schema(Type.INT32), 5, wrappers_pb2.Int32Value(value=5)),
        (Schema(Type.INT64), 0, wrappers_pb2.Int64Value()),
        (Schema(Type.STRING), "é", wrappers_pb2.StringValue(value="é")),
        (Schema(Type.BOOLEAN), True, wrappers_pb2.BoolValue(value=True)),
        (Schema(Type.BYTES, optional=True), b"a", wrappers_pb2.BytesValue(value=b"a")),
    ],
)
def test_a_scalar_alone_is_one_of_googles_wrappers(make: Make, schema: Schema, value: Any, message: Any) -> None:
    written = make().convert("t", schema, value)
    index = list(wrappers_pb2.DESCRIPTOR.message_types_by_name).index(message.DESCRIPTOR.name)
    place = b"\0" if index == 0 else b"\2" + varint(index << 1)
    assert written == b"\0\0\0\0\1" + place + message.SerializeToString()
    case = Planned(schema, Slot("a0", Stage.ROW), {}, [{"a0": value}])
    assert run_planned(case, make()) == [written]


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [("TopicNameStrategy", "t-value"), ("RecordNameStrategy", "a.B"), ("TopicRecordNameStrategy", "t-a.B")],
)
def test_subjects_are_named_by_strategy(make: Make, folder: Path, strategy: str, subject: str) -> None:
    schema = struct("a.B", ("c", Schema(Type.INT32)))
    make(value_subject_name_strategy=strategy).convert("t", schema, {"c": 1})
    assert [file.name for file in (folder / "subjects").iterdir()] == [f"{subject.replace('.', '%2E')}.json"]


_INT8 = Schema(Type.INT8)
_NESTED = Schema(Type.ARRAY, value_schema=Schema(Type.ARRAY, value_schema=_INT8))
_DATE = Schema(Type.INT32, name="org.apache.kafka.connect.data.Date")
_TIMESTAMP = Schema(Type.INT64, name="org.apache.kafka.connect.data.Timestamp")


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (_INT8, None, "must be int, not NoneType"),
        (struct("a", ("b", _INT8)), {"b": None}, "b: null in a field that is required"),
        (struct("a", ("b", _INT8)), {"b": 128}, "b: an int out of the range of int8"),
        (struct("a", ("b", _INT8)), {"x": 1}, r"\['x'\] are no fields"),
        (struct("a", ("b-c", _INT8)), {"b-c": 1}, r"topic t: b-c: 'b-c' can't be .*scrub\.invalid\.names"),
        (struct("bool", ("b", _INT8)), {"b": 1}, "can't have the name bool"),
        (struct('a";\n.B', ("b", _INT8)), {"b": 1}, "can't be a package"),
        (struct("a", ("b", _NESTED)), {"b": []}, "b: an array of arrays"),
        (struct("a", ("b", Schema(Type.ARRAY, value_schema=_INT8.as_optional()))), {"b": [None]}, "null in an array"),
        (struct("a", ("b", struct("c", ("d", _INT8))), ("c", _INT8)), {"b": {"d": 1}, "c": 1}, r"have \['c'\] twice"),
        (struct("x.google.A", ("d", _DATE)), {"d": 1}, "hides google.type.Date"),
        (struct("a", ("t", _TIMESTAMP)), {"t": 1 << 60}, "years 1 to 9999"),
        (_DATE, 1, "only as a field of a struct"),
        (Schema(Type.ARRAY, value_schema=_INT8), [1], "only as a field of a struct"),
        (Schema(Type.STRING, parameters=(("io.confluent.connect.protobuf.Enum", "E"),)), "A", "can't be written"),
        (None, "x", "without a schema"),
    ],
)
def test_what_does_not_fit_is_refused(make: Make, schema: Schema | None, value: Any, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        make().convert("t", schema, value)


@pytest.mark.parametrize(
    ("name", "scrubbed"),
    [("a_1", "a_1"), ("_a", "x_a"), ("1a", "x1a"), ("é", "_C3_A9"), ("a b~*", "a_b_7E_"), ("", "")],
)
def test_names_are_scrubbed_as_confluent_does(name: str, scrubbed: str) -> None:
    assert scrub(name) == scrubbed


def test_the_registrys_latest_schema_says_where_the_message_is(make: Make, folder: Path) -> None:
    """Its number, and the message's place in it; the bytes are those of the message's own schema."""
    (folder / "ids").mkdir(parents=True)
    (folder / "subjects").mkdir()
    (folder / "subjects" / "topic-value.json").write_text("[3]")
    theirs = """
        syntax = "proto3"; // a comment
        package a;
        import "google/protobuf/timestamp.proto";
        option java_package = "com.example";
        enum Color { RED = 0; }
        message Other { option deprecated = true; reserved 5 to 7, 9; map<string, int32> counts = 1; }
        message B {
          oneof choice { int64 c = 1 [json_name = "C"]; string d = 2; }
          message Inner { repeated Color colors = 1; }
          optional string message = 3;
        }
    """
    (folder / "ids" / "3.proto").write_text(theirs)
    latest = make(auto_register_schemas="false", use_latest_version="true")
    own = struct("a.B", ("c", Schema(Type.INT32)))
    assert latest.convert("topic", own, {"c": 7}) == b"\0\0\0\0\3" + b"\2\2" + b"\x08\x07"
    case = Planned(own, Struct((Slot("c", Stage.ROW),)), {}, [{"c": 0}])
    assert run_planned(case, latest) == [b"\0\0\0\0\3" + b"\2\2"]


def test_a_latest_schema_that_cannot_stand_for_the_messages_is_refused_with_what_differs(make: Make) -> None:
    make().convert("t", struct("r", ("n", Schema(Type.STRING)), ("m", Schema(Type.INT32))), {"n": "x", "m": 1})
    latest = make(auto_register_schemas="false", use_latest_version="true")
    with pytest.raises(RetriableConversionError) as raised:
        latest.convert("t", struct("r", ("m", Schema(Type.INT32)), ("o", Schema(Type.INT32))), {"m": 1, "o": 2})
    text = str(raised.value)
    assert "subject t-value: the schema 1 can't stand for the messages': m: its number is 1, not 2" in text
    assert "(id 1): n: is gone, which was string = 1; m: was int32 = 2, is int32 = 1; o: is new, int32 = 2." in text


@pytest.mark.parametrize(
    "text", ["", "message", "message A {", 'message A { string "a" }', "\x00", "{}", "message A { ]"]
)
def test_what_is_no_schema_is_told(text: str) -> None:
    if text:
        with pytest.raises(ConversionError, match="no Protobuf schema"):
            parse(text)
    else:
        assert parse(text).messages == []


def test_messages_nested_without_end_are_refused() -> None:
    with pytest.raises(ConversionError, match="nested too deep"):
        parse("message A {" * 10_000)


def test_a_constant_struct_is_folded(make: Make) -> None:
    schema = struct("a", ("b", struct("c", ("d", Schema(Type.INT8, True)))), ("e", Schema(Type.STRING)))
    case = Planned(schema, Struct((Struct((Const(None),)), Slot("e", Stage.EVENT))), {"e": "f"}, [{}])
    assert run_planned(case, make()) == [b"\0\0\0\0\1\0" + b"\x0a\0" + b"\x12\1f"]


def test_decimals_keep_precision_and_scale(make: Make, folder: Path) -> None:
    price = Schema(Type.BYTES, name=DECIMAL, parameters=(("scale", "2"), ("connect.decimal.precision", "9")))
    message = make().convert("t", struct("a.b", ("price", price)), {"price": -12345})
    assert message == b"\0\0\0\0\1\0" + b"\x0a\x08" + b"\x0a\2\xcf\xc7" + b"\x10\5" + b"\x18\2"
    text = (folder / "ids" / "1.proto").read_text()
    assert 'import "confluent/type/decimal.proto";' in text


@pytest.mark.parametrize("option", ["skip.known.types", "context.name.strategy"])
def test_options_that_are_not_there_are_refused(make: Make, option: str) -> None:
    with pytest.raises(ConfigError, match="not supported yet"):
        make(**{option: "false"})
