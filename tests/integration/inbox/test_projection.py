"""Views on real databases, kept up to date from topics, with changes that come again, and rebuilt while they serve."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from sqlalchemy import (
    URL,
    CheckConstraint,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    inspect,
    select,
    text,
)

from headwater.inbox import InboxError, Retry
from headwater.inbox.events import ChangeEvents, Position
from headwater.projection import Change, Projection, View, ViewError
from headwater.projection.pymongo import CollectionView
from headwater.projection.sqlalchemy import TableView, positions_table
from tests.brokers import Broker
from tests.integration.inbox.conftest import Running, Send, wait_for
from tests.sql_databases import KINDS, new_database
from tests.worker_process import wait_until

Rows = Callable[[], list[tuple[int, str]]]


@dataclass
class Course:
    id: int
    name: str


@dataclass(frozen=True)
class Case:
    """``rows`` reads what the view serves, ``leftovers`` what a rebuild should have removed."""

    view: View
    rows: Rows
    leftovers: Callable[[], list[str]]


@contextmanager
def sql(database: URL) -> Iterator[Case]:
    engine = create_engine(database)
    table = Table(
        "course_view",
        metadata := MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", String(50), index=True),
        CheckConstraint("id < 1000", name="small"),
    )
    positions = positions_table(table)
    metadata.create_all(engine)

    def rows() -> list[tuple[int, str]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]

    def leftovers() -> list[str]:
        return [name for name in inspect(engine).get_table_names() if name not in (table.name, positions.name)]

    yield Case(TableView(engine, table, positions), rows, leftovers)
    engine.dispose()


@contextmanager
def mongodb(database: Database[dict[str, Any]]) -> Iterator[Case]:
    collection = database.course_view
    collection.create_index("name")

    def rows() -> list[tuple[int, str]]:
        return [(each["_id"], each["name"]) for each in collection.find().sort("_id")]

    def leftovers() -> list[str]:
        assert "name_1" in collection.index_information()
        return [name for name in database.list_collection_names() if "rebuild" in name]

    yield Case(CollectionView(collection), rows, leftovers)


@pytest.fixture(params=["mysql-kafka", "mariadb-kafka", "postgresql-kafka", "mongodb-kafka", "sqlite-local"])
def pair(request: pytest.FixtureRequest) -> str:
    """A database, and the broker."""
    return str(request.param)


@pytest.fixture
def broker_kind(pair: str) -> str:
    return pair.partition("-")[2]


@pytest.fixture
def case(pair: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """A view in each of the databases."""
    kind = pair.partition("-")[0]
    if kind == "mongodb":
        with mongodb(request.getfixturevalue("mongodb_database")) as case:
            yield case
    else:
        with new_database(kind, tmp_path) as url, sql(url) as case:
            yield case


@pytest.fixture
def projection(case: Case, broker: Broker, topic: str) -> Projection[Course]:
    return Projection(
        broker=broker.consumers_address,
        topics=[topic],
        group=topic,
        events=ChangeEvents(Course),
        view=case.view,
    )


@pytest.fixture
def change(send: Send, partitions: int) -> Callable[..., None]:
    """Sends a change of a course, in the partition of its id: ``change("u", 1, "new name", pos=7)``."""

    def change(op: str, number: int, name: str | None, pos: int) -> None:
        row = {"id": number, "name": name}
        before, after = (row, None) if op == "d" else (None, row)
        partition = number % partitions
        send(envelope(op, before, after, pos), partition=partition, key=json.dumps({"id": number}))
        if op == "d":
            send(None, partition=partition, key=json.dumps({"id": number}))

    return change


@pytest.fixture
def truncate(send: Send) -> Callable[[int], None]:
    """Tells that all courses are gone, as connectors do: without a key."""
    return lambda pos: send(envelope("t", None, None, pos))


def envelope(op: str, before: Any, after: Any, pos: int) -> str:
    source = {"connector": "mysql", "name": "shop", "server_id": 1, "file": "binlog.000001", "pos": pos, "row": 0}
    return json.dumps({"op": op, "before": before, "after": after, "source": source, "ts_ms": 1})


def test_a_view_follows_the_rows(case: Case, projection: Projection[Course], change) -> None:
    change("c", 1, "a", 1)
    change("c", 2, "b", 2)
    with Running(projection):
        wait_for([(1, "a"), (2, "b")], case.rows)
        change("u", 1, "A", 3)
        change("d", 2, "b", 4)
        change("r", 3, "c", 5)
        wait_for([(1, "A"), (3, "c")], case.rows)


def test_what_is_sent_again_changes_nothing(case: Case, projection: Projection[Course], change) -> None:
    """As a connector does that was killed before its offset was stored: all again, behind the later changes."""
    log = [("c", 1, "a", 1), ("u", 1, "b", 2), ("c", 2, "x", 3), ("d", 2, "x", 4)]
    for each in log:
        change(*each)
    with Running(projection):
        wait_for([(1, "b")], case.rows)
        for each in log[:3]:
            change(*each)
        change("c", 4, "last", 5)
        wait_for([(1, "b"), (4, "last")], case.rows)


def test_a_stale_change_is_told_from_a_later_one(case: Case) -> None:
    def change(offset: int, name: str | None, place: int) -> Change:
        row = None if name is None else {"id": 1, "name": name}
        return Change({"id": 1}, row, Position("t-0", offset, "log", (place,)))

    assert case.view.apply([change(5, "a", 50)]) == 1
    assert case.view.apply([change(5, "b", 50), change(4, "b", 60), change(6, "b", 49)]) == 0
    assert case.rows() == [(1, "a")]
    assert case.view.apply([change(7, None, 70), change(8, "back", 60)]) == 1
    assert case.rows() == []
    assert case.view.apply([change(9, "again", 80)]) == 1
    assert case.rows() == [(1, "again")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_is_rebuilt_whose_names_are_as_long_as_they_may_be(kind: str, tmp_path: Path) -> None:
    name = "orders_of_customers_by_region_and_by_product_category"
    table = Table(
        name,
        metadata := MetaData(),
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("name", String(50), index=True),
        UniqueConstraint("name", name=f"uq_{name}"),
    )
    positions = positions_table(table)
    assert len(positions.name) == 63
    with new_database(kind, tmp_path) as url:
        engine = create_engine(url)
        metadata.create_all(engine)
        view = TableView(engine, table, positions)
        view.shadow()  # of a rebuild that died
        for round_ in range(2):
            shadow = view.shadow()
            shadow.apply([Change({"id": 1}, {"id": 1, "name": f"{round_}"}, Position("t-0", round_))])
            view.promote(shadow)
        with engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(select(table))] == [(1, "1")]
        assert sorted(inspect(engine).get_table_names()) == [name, positions.name]
        engine.dispose()


def test_rebuilding_mends_a_view_that_went_wrong(case: Case, projection: Projection[Course], change) -> None:
    for number in range(50):
        change("c", number, f"name {number}", number)
    change("d", 7, "name 7", 100)
    wrong = Change({"id": 99}, {"id": 99, "name": "never was"}, Position("other-0", 1))
    case.view.apply([wrong])
    assert projection.rebuild() == 52
    wanted = [(number, f"name {number}") for number in range(50) if number != 7]
    assert case.rows() == wanted
    assert case.leftovers() == []
    assert projection.rebuild() == 52
    assert case.rows() == wanted


def test_a_rebuild_under_way_neither_stops_nor_loses_what_is_written(
    case: Case, projection: Projection[Course], change
) -> None:
    """The view is written and read all the time, rebuilt thrice, and never seen with fewer rows than it has had."""
    for number in range(20):
        change("c", number, "0", number)
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(len(case.rows()))

    with Running(projection):
        wait_for(20, case.rows)
        looking = threading.Thread(target=look)
        looking.start()
        try:
            for round_ in range(1, 4):
                rebuilding = threading.Thread(target=projection.rebuild)
                rebuilding.start()
                pos = round_ * 10_000
                while rebuilding.is_alive():  # no faster than the view follows
                    pos += 1
                    change("u", pos % 20, f"{pos}", pos)
                    wait_until("the change", lambda: (pos % 20, f"{pos}") in case.rows())  # noqa: B023
                for number in range(20):
                    change("u", number, f"end {round_}", pos + 1 + number)
                wait_for([(number, f"end {round_}") for number in range(20)], case.rows)
        finally:
            done.set()
            looking.join()
    assert min(seen) == 20
    assert case.leftovers() == []


@pytest.mark.parametrize("partitions", [1])
def test_a_truncated_table_empties_the_view(case: Case, projection: Projection[Course], change, truncate) -> None:
    change("c", 1, "a", 1)
    change("c", 2, "b", 2)
    with Running(projection):
        wait_for([(1, "a"), (2, "b")], case.rows)
        truncate(3)
        change("c", 3, "c", 4)
        wait_for([(3, "c")], case.rows)
        change("c", 1, "a", 1)  # again, and it stands before the truncation in the log
        change("c", 2, "new", 5)
        wait_for([(2, "new"), (3, "c")], case.rows)
    assert projection.rebuild() == 6
    assert case.rows() == [(2, "new"), (3, "c")]


@dataclass(frozen=True)
class Interrupted:
    """A view with something that happens before and behind `promote`."""

    view: Any
    before: Callable[[], None]
    behind: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.view, name)

    def promote(self, shadow: Any) -> None:
        self.before()
        self.view.promote(shadow)
        self.behind()


@pytest.mark.parametrize("partitions", [1])
def test_a_truncation_while_a_rebuilt_view_takes_its_place_is_not_lost(
    case: Case, projection: Projection[Course], change, truncate
) -> None:
    """Who runs the projection has it behind him, and who rebuilds it before."""

    def before() -> None:
        truncate(3)
        change("c", 3, "c", 4)
        wait_for([(3, "c")], case.rows)

    def behind() -> None:
        change("c", 4, "d", 5)
        wait_for([(1, "a"), (2, "b"), (4, "d")], case.rows)

    change("c", 1, "a", 1)
    change("c", 2, "b", 2)
    with Running(projection):
        wait_for([(1, "a"), (2, "b")], case.rows)
        dataclasses.replace(projection, view=Interrupted(case.view, before, behind)).rebuild()
    assert case.rows() == [(3, "c"), (4, "d")]


def test_a_truncation_whose_order_is_not_known_ends_the_projection(
    case: Case, projection: Projection[Course], broker: Broker, topic: str, change, truncate
) -> None:
    dead = f"{topic}.dead"
    change("c", 1, "a", 1)
    truncate(2)
    running = Running(dataclasses.replace(projection, dead_letters=dead))
    with running:
        error = running.wait_ended()
    assert isinstance(error, InboxError)
    assert "2 partitions" in str(error)
    with pytest.raises(InboxError, match="a table was truncated"):
        projection.rebuild()
    assert not broker.reader(topic).consumer.ends([dead])


@pytest.mark.parametrize("pair", ["mysql-kafka", "mariadb-kafka", "postgresql-kafka", "sqlite-local"])
@pytest.mark.parametrize("missing", ["course_view", "course_view_positions"])
def test_without_its_tables_a_projection_ends_and_no_event_is_lost(
    case: Case, projection: Projection[Course], broker: Broker, topic: str, missing: str, change
) -> None:
    dead = f"{topic}.dead"
    given = dataclasses.replace(projection, dead_letters=dead, retry=Retry(2, 0.01, 0.05))
    engine, metadata = case.view._engine, case.view._table.metadata
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {missing}"))
    change("c", 1, "a", 1)
    running = Running(given)
    with running:
        error = running.wait_ended()
    assert isinstance(error, ViewError)
    with pytest.raises(ViewError, match=missing):
        given.rebuild()
    metadata.create_all(engine)
    change("c", 1001, "what the table refuses", 2)
    change("c", 3, "c", 3)
    with Running(given):
        wait_for([(1, "a"), (3, "c")], case.rows)
    letters = broker.reader(dead)
    letters.read(1)
    assert [letter.key for letter in letters.messages] == [b'{"id": 1001}']
