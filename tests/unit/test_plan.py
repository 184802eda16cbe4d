"""What a planned function gives for rows, with a reader and a converter small enough to see through."""

from __future__ import annotations

import gc
import linecache
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from headwater.converter import Scope
from headwater.plan import Converters, plan, plan_slots
from headwater.record import Schema, Type
from headwater.shape import NULL, Const, EventShape, HeaderShape, MessageShape, Node, ReaderCode, Slot, Stage, Struct
from headwater.sink import ANY_PARTITION, NOW

STRING = Schema(Type.STRING)
ANYWHERE = (ANY_PARTITION, NOW)
HOSTILE = ["it's", '"""', "a\nb", "back\\slash", "{0} %s", "한글\u2028", "__import__('os')"]


class Rows:
    """Reads ``(before, after)`` pairs; remembers which slots were asked for."""

    def __init__(self) -> None:
        self.used: frozenset[str] = frozenset()

    def code(self, used: frozenset[str]) -> ReaderCode:
        self.used = used
        return ReaderCode(("pairs", "place"), (), "for before, after in pairs:", ["pass"])

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        pairs, place = arguments
        return (([pair], place) for pair in pairs)


class Counting:
    """Writes a value's repr; counts how often one is written at each stage."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def encode(self, value: Any) -> bytes:
        self.calls.append(value)
        return repr(value).encode()

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        return None if schema is None else self.encode(value)

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        encode = scope.bind(self.encode)
        match node:
            case Const(value):
                return scope.bind(self.convert(topic, schema, value)) if schema is not None else "None"
            case Slot(name, stage):
                return scope.assign(stage, f"{encode}({name})")
            case Struct(nodes):
                return "b'|'.join((" + "".join(f"{self.plan(topic, STRING, child, scope)}, " for child in nodes) + "))"


def shape(reader: Rows, *messages: MessageShape, rekeyed: tuple[MessageShape, ...] = ()) -> EventShape:
    keys = (("before", "after"),) if rekeyed else ()
    return EventShape("db.t", "u", reader, messages, key_slots=keys, rekeyed=rekeyed)


def message(topic: str, key: Node, value: Node, headers: tuple[HeaderShape, ...] = ()) -> MessageShape:
    return MessageShape(topic, STRING, key, None if value is NULL else STRING, value, headers)


AFTER, BEFORE, PLACE = Slot("after", Stage.ROW), Slot("before", Stage.ROW), Slot("place", Stage.EVENT)


def test_each_row_becomes_its_messages_with_the_row_s_number() -> None:
    converter = Counting()
    planned = plan(shape(Rows(), message("t", AFTER, Struct((AFTER, PLACE)))), Converters(*[converter] * 3))
    assert planned.function([("a", "b"), ("b", "c")], 7) == [
        (0, "t", b"'b'", b"'b'|7", None, *ANYWHERE),
        (1, "t", b"'c'", b"'c'|7", None, *ANYWHERE),
    ]


def test_what_is_known_once_is_written_once() -> None:
    converter = Counting()
    planned = plan(shape(Rows(), message("t", AFTER, Struct((Const("fixed"), PLACE)))), Converters(*[converter] * 3))
    converter.calls.clear()
    planned.function([("a", "b"), ("b", "c"), ("c", "d")], 7)
    assert converter.calls.count("fixed") == 0
    assert converter.calls.count(7) == 1


def test_a_tombstone_s_key_is_not_written_again() -> None:
    converter = Counting()
    planned = plan(shape(Rows(), message("t", BEFORE, PLACE), message("t", BEFORE, NULL)), Converters(*[converter] * 3))
    assert planned.function([("a", None)], 7) == [
        (0, "t", b"'a'", b"7", None, *ANYWHERE),
        (0, "t", b"'a'", None, None, *ANYWHERE),
    ]
    assert converter.calls.count("a") == 1


def test_a_changed_key_takes_the_other_messages() -> None:
    converter = Counting()
    rekeyed = (message("t", BEFORE, NULL), message("t", AFTER, AFTER))
    planned = plan(shape(Rows(), message("t", AFTER, PLACE), rekeyed=rekeyed), Converters(*[converter] * 3))
    assert planned.function([("a", "a"), ("a", "b")], 7) == [
        (0, "t", b"'a'", b"7", None, *ANYWHERE),
        (1, "t", b"'a'", None, None, *ANYWHERE),
        (1, "t", b"'b'", b"'b'", None, *ANYWHERE),
    ]


def test_only_what_some_message_mentions_is_read() -> None:
    reader = Rows()
    plan(shape(reader, message("t", AFTER, PLACE)), Converters(*[Counting()] * 3))
    assert reader.used == {"after", "place"}


def test_headers_known_for_the_table_are_one_list() -> None:
    fixed = (HeaderShape("h", STRING, Const("v")),)
    planned = plan(shape(Rows(), message("t", AFTER, PLACE, fixed)), Converters(*[Counting()] * 3))
    first, second = planned.function([("a", "b"), ("b", "c")], 7)
    assert first[4] == [("h", b"'v'")]
    assert first[4] is second[4]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_outside_stay_text(name: str) -> None:
    header = (HeaderShape(name, STRING, AFTER),)
    planned = plan(shape(Rows(), message(name, AFTER, Const(name), header)), Converters(*[Counting()] * 3))
    assert planned.function([("a", "b")], 7) == [(0, name, b"'b'", repr(name).encode(), [(name, b"'b'")], *ANYWHERE)]
    assert planned.source.startswith("def rows(pairs, place, row=0):")


def test_an_error_shows_the_generated_line() -> None:
    planned = plan(shape(Rows(), message("t", Slot("after + 1", Stage.ROW), PLACE)), Converters(*[Counting()] * 3))
    with pytest.raises(TypeError) as caught:
        planned.function([("a", "b")], 7)
    assert "after + 1" in str(caught.traceback[-1].statement)


def test_a_plan_that_is_gone_leaves_no_lines_behind() -> None:
    gc.collect()  # plans of other tests
    before = set(linecache.cache)
    planned = plan(shape(Rows(), message("t", AFTER, PLACE)), Converters(*[Counting()] * 3))
    assert set(linecache.cache) > before
    del planned
    gc.collect()
    assert set(linecache.cache) <= before


def test_rows_are_numbered_from_the_first_one() -> None:
    planned = plan(shape(Rows(), message("t", AFTER, PLACE)), Converters(*[Counting()] * 3))
    rows = planned.function([("a", "b"), ("b", "c")], 7, row=3)
    assert [number for number, *_ in rows] == [3, 4]


def test_a_slot_is_read_by_itself() -> None:
    reader = Rows()
    function = plan_slots(shape(reader, message("t", AFTER, PLACE)), ["after"])
    assert function([("a", "b"), ("b", "c")], 7) == ("b",)
    assert reader.used == {"after"}
