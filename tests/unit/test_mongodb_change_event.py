"""The parts of a change event are found where they stand; damaged bytes are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.mongodb.bson import BsonError
from headwater.sources.mongodb.change_event import ChangeEventReader, read_strings, read_truncated
from tests.bson_documents import (
    ARRAY,
    DATE,
    DOCUMENT,
    INT32,
    INT64,
    NULL,
    OBJECT_ID,
    STRING,
    TIMESTAMP,
    array,
    document,
    int32,
    int64,
    string,
    timestamp,
)

ID = bytes.fromhex("65e000000000000000001000")
TOKEN = document((STRING, b"_data", string("8265E0")))
AFTER = document((OBJECT_ID, b"_id", ID), (INT32, b"n", int32(2)))
BEFORE = document((OBJECT_ID, b"_id", ID), (INT32, b"n", int32(1)))
SESSION = document((INT64, b"id", int64(1)))
UPDATED = document((INT32, b"n", int32(2)))
TRUNCATED = array((DOCUMENT, document((STRING, b"field", string("a.b")), (INT32, b"newSize", int32(3)))))
UPDATE = [
    (DOCUMENT, b"_id", TOKEN),
    (STRING, b"operationType", string("update")),
    (TIMESTAMP, b"clusterTime", timestamp(1709210096, 7)),
    (DATE, b"wallTime", int64(1709210096789)),
    (DOCUMENT, b"fullDocument", AFTER),
    (DOCUMENT, b"ns", document((STRING, b"db", string("shop")), (STRING, b"coll", string("örders")))),
    (DOCUMENT, b"documentKey", document((STRING, b"shard", string("a")), (OBJECT_ID, b"_id", ID))),
    (
        DOCUMENT,
        b"updateDescription",
        document(
            (DOCUMENT, b"updatedFields", UPDATED),
            (ARRAY, b"removedFields", array((STRING, string("x.y")), (STRING, string("z")))),
            (ARRAY, b"truncatedArrays", TRUNCATED),
        ),
    ),
    (DOCUMENT, b"fullDocumentBeforeChange", BEFORE),
    (DOCUMENT, b"lsid", SESSION),
    (INT64, b"txnNumber", int64(5)),
    (STRING, b"somethingNew", string("ignored")),
]


@pytest.fixture(params=[b"", b"bytes before"])
def before(request) -> bytes:
    return request.param


def test_every_part_of_an_event_is_found(before):
    data = before + document(*UPDATE) + b"bytes behind"
    event = ChangeEventReader().read(data, len(before), len(data))
    assert (event.start, data[event.end :]) == (len(before), b"bytes behind")
    assert event.operation == "update"
    assert event.namespace == ("shop", "örders")
    assert (event.cluster_seconds, event.cluster_increment) == (1709210096, 7)
    assert (event.wall_time, event.transaction_number) == (1709210096789, 5)
    assert data[event.token_start : event.token_end] == TOKEN
    assert data[event.document_start : event.document_end] == AFTER
    assert data[event.before_start : event.before_end] == BEFORE
    assert data[event.session_start : event.session_end] == SESSION
    assert (event.id_kind, data[event.id_start : event.id_end]) == (OBJECT_ID, ID)
    assert event.updated
    assert data[event.updated_start : event.updated_end] == UPDATED
    assert read_strings(data, event.removed_start, event.removed_end) == ["x.y", "z"]
    assert read_truncated(data, event.truncated_start, event.truncated_end) == [("a.b", 3)]


@pytest.mark.parametrize(
    "elements",
    [
        [(STRING, b"operationType", string("invalidate"))],
        [
            (STRING, b"operationType", string("invalidate")),
            *((NULL, name, b"") for _, name, _ in UPDATE if name != b"operationType"),
        ],
    ],
    ids=["absent", "null"],
)
def test_what_is_absent_or_null_is_told(elements):
    data = document(*elements)
    event = ChangeEventReader().read(data, 0, len(data))
    assert event.operation == "invalidate"
    assert event.namespace is None
    assert event.wall_time is None
    assert event.transaction_number is None
    assert event.id_kind == NULL
    assert not event.updated
    for part in ("token", "document", "before", "updated", "removed", "truncated", "session"):
        assert getattr(event, f"{part}_start") == 0


def test_an_event_of_a_whole_database_has_no_collection():
    data = document((DOCUMENT, b"ns", document((STRING, b"db", string("shop")))))
    assert ChangeEventReader().read(data, 0, len(data)).namespace == ("shop", "")


@pytest.mark.parametrize("name", [name for _, name, _ in UPDATE[:-1]])
def test_a_part_of_another_type_is_refused(name):
    data = document(*(element if element[1] != name else (INT32, name, int32(1)) for element in UPDATE))
    with pytest.raises(BsonError, match=f"change event: {name.decode()} of type 0x10"):
        ChangeEventReader().read(data, 0, len(data))


@given(st.data())
def test_damaged_bytes_give_an_event_within_them_or_an_error(data):
    raw = bytearray(document(*UPDATE))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(raw)))
    try:
        event = ChangeEventReader().read(bytes(raw), 0, end)
        read_strings(bytes(raw), event.removed_start, event.removed_end) if event.removed_start else []
        read_truncated(bytes(raw), event.truncated_start, event.truncated_end) if event.truncated_start else []
    except BsonError:
        return
    for part in ("token", "document", "before", "updated", "removed", "truncated", "session", "id"):
        assert 0 <= getattr(event, f"{part}_start") <= getattr(event, f"{part}_end") <= event.end <= end
