from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.source import OffsetError
from headwater.sources.mongodb.connector import CONNECTOR
from headwater.sources.mongodb.position import Position, Token
from headwater.sources.mongodb.reference import page
from headwater.sources.mongodb.scope import Lists, Scope

MINIMAL = {"topic.prefix": "srv", "mongodb.connection.string": "mongodb://db.example/?replicaSet=rs0"}
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "mongodb.md"

# What Debezium 3.6.3 stored (debezium-connector-mongodb, MongoDB 6.0.5).
EVENT = {
    "sec": 1795313781,
    "ord": 88,
    "resume_token": "awAAAAJfZGF0YQBbAAAAODI2QjAyNTA3NTAwMDAwMDU4MkIwMjJDMDEwMDI5NkU1QTEwMDQzOEQ3NjVGMjQxRUY0MjRDODdENT"
    "I3NDU3MEREMkQ2ODQ2MUU1RjY5NjQwMDJCMDIwMDA0AAA=",
}
HIGH_WATER_MARK = {
    "sec": -1,
    "ord": -1,
    "resume_token": "LwAAAAJfZGF0YQAfAAAAODI2QjAyNTBCNzAwMDAwMDAyMkIwMjI5Mjk2RTA0AAA=",
}


def token(data: str) -> Token:
    return Token(b"", data)


SNAPSHOT = {"initsync": True, "snapshot_of": "0123456789abcdef", "snapshot_collection": "orders.outbox"}
FIVE = "DgAAABBfaWQABQAAAAA="  # {_id: 5} as BSON


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("mongodb://u:p:q@h/", "user and password must be percent-escaped"),
        ("mongodb://h:99999/", "HOST:PORT"),
        ("mongodb://h/?streamType=netty&readPreference=some", "some is not a valid read preference"),
        ("mongodb://h/?directConnection=true&loadBalanced=true", "Cannot specify directConnection=true with loadBal"),
        ("mongodb://h/?authMechanismProperties=hush&authMechanism=PLAIN", "its options, perhaps authMechanismProp"),
        ("postgresql://h/", "must be a connection string: mongodb://HOST:PORT"),
    ],
)
def test_what_is_wrong_with_a_connection_string_is_said_without_its_secrets(address: str, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        CONNECTOR.options.parse({**MINIMAL, "mongodb.connection.string": address})
    assert reason in str(raised.value)
    assert "hush" not in str(raised.value)
    assert "p:q" not in str(raised.value)


def test_options_of_other_drivers_are_passed_over() -> None:
    CONNECTOR.options.parse({**MINIMAL, "mongodb.connection.string": "mongodb://h/?replicaSet=a&streamType=netty"})


@pytest.mark.parametrize("offset", [EVENT, HIGH_WATER_MARK, {**HIGH_WATER_MARK, "initsync": True}])
def test_offsets_of_debezium_are_read_and_written_alike(offset: dict[str, object]) -> None:
    assert Position.from_offset(offset).offset() == offset
    CONNECTOR.check_offset(CONNECTOR.options.parse(MINIMAL), {"server_id": "srv"}, offset)


@pytest.mark.parametrize("place", [SNAPSHOT, {**SNAPSHOT, "snapshot_id": FIVE}])
def test_the_place_of_an_unfinished_snapshot_is_read_and_written_alike(place: dict[str, object]) -> None:
    offset = {**HIGH_WATER_MARK, **place}
    assert Position.from_offset(offset).offset() == offset
    CONNECTOR.check_offset(CONNECTOR.options.parse(MINIMAL), {"server_id": "srv"}, offset)


def test_tokens_are_in_the_order_of_the_log() -> None:
    event, mark = Position.from_offset(EVENT).token, Position.from_offset(HIGH_WATER_MARK).token
    assert (event.cluster_time.time, event.cluster_time.inc) == (1795313781, 88)
    assert mark.covers(event)
    assert not event.covers(mark)
    assert event.covers(event)
    assert not event.is_from_invalidate


def test_a_token_of_the_same_time_in_another_version_is_not_covered() -> None:
    ours, other = token("826B025075000000582B042C0100"), token("826B025075000000582B022C0100")
    assert not ours.covers(other)
    assert not other.covers(ours)


def test_a_token_tells_whether_it_is_from_an_invalidation() -> None:
    assert token("826B025075000000582B022C0100296F04").is_from_invalidate
    assert not token("826B025075000000582B022C0100296E04").is_from_invalidate


@pytest.mark.parametrize(
    "offset",
    [
        {},
        {"resume_token": ""},
        {"resume_token": 5},
        {"resume_token": "no base64!"},
        {"resume_token": "AAAA"},
        {**EVENT, "sec": "1"},
        {**EVENT, "ord": -2},
        {**EVENT, "ord": True},
        {**EVENT, "sec": 2**63},
        {**EVENT, "more": [1]},
        {**EVENT, **SNAPSHOT, "snapshot_collection": 1},
        {**EVENT, **SNAPSHOT, "snapshot_id": "no base64!"},
        {**EVENT, **SNAPSHOT, "snapshot_id": "BQAAAAA="},
        {**EVENT, "transaction_id": 5},
        {**EVENT, "transaction_data_collection_order_orders.outbox": "5"},
    ],
)
def test_offsets_that_cannot_be_taken_are_refused(offset: dict[str, object]) -> None:
    with pytest.raises(OffsetError):
        CONNECTOR.check_offset(CONNECTOR.options.parse(MINIMAL), {"server_id": "srv"}, offset)


def test_an_offset_of_another_prefix_is_refused() -> None:
    with pytest.raises(OffsetError, match="server_id"):
        CONNECTOR.check_offset(CONNECTOR.options.parse(MINIMAL), {"server": "srv"}, EVENT)


@pytest.mark.parametrize(
    ("include", "scope"),
    [
        ("orders.outbox", Scope("orders", "outbox")),
        (r"orders\.outbox", Scope("orders", "outbox")),
        (r"orders\.a\.b", Scope("orders", "a.b")),
        ("orders.a.b", Scope()),  # the first dot may be a letter: it captures orders_a.b too
        ("ORDERS.outbox", Scope("orders", "outbox")),
        ("orders.Outbox", Scope("orders")),  # there is one in another case
        (r"orders\.a,orders\.b", Scope("orders")),
        (r"orders\..*", Scope("orders")),
        (r"orders\.a,shop\.b", Scope()),
        (r".*\.outbox", Scope()),
        ("(orders|shop).outbox", Scope()),
        (None, Scope()),
    ],
)
def test_the_scope_is_as_narrow_as_the_list_allows(include: str | None, scope: Scope) -> None:
    lists = Lists.of(None, None, include, None, literal=False)
    assert lists.scope(lambda: ["orders", "shop"], lambda database: ["outbox", "a.b"]) == scope


def test_one_database_is_a_scope() -> None:
    lists = Lists.of("orders", None, None, None, literal=False)
    assert lists.scope(lambda: ["Orders"], lambda database: []) == Scope("Orders")


def test_literal_names_are_no_expressions() -> None:
    lists = Lists.of(None, None, "orders.a.b", None, literal=True)
    assert lists.scope(lambda: ["orders"], lambda database: []) == Scope("orders", "a.b")
    captures = lists.filter(frozenset()).captures
    assert captures("orders", "a.b")
    assert not captures("orders", "a_b")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cursor.pipeline", "{}"),
        ("cursor.pipeline", "[1]"),
        ("cursor.pipeline", "["),
        ("skipped.operations", "c,x"),
        ("field.exclude.list", "db.collection"),
        ("field.renames", "db.collection.field"),
        ("collection.include.list", "orders.("),
        ("capture.mode", "oplog"),
        ("cursor.oversize.handling.mode", "split"),
    ],
)
def test_values_that_cannot_be_taken_are_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        CONNECTOR.options.parse(MINIMAL | {name: text})


def test_the_reference_page_is_that_of_the_options() -> None:
    hint = "run: python -m headwater.sources.mongodb.reference > docs/reference/mongodb.md"
    assert REFERENCE.read_text() == page(), hint
