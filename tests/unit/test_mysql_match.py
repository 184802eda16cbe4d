from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.source import SourceError
from headwater.sources.mysql.match import fits, table_from_map
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import LoggedColumn, LogType, TableMap, TableMapError
from tests.recordings.mysql_structure import charsets, recorded

ALLTYPES = recorded()["alltypes"]
FULL, MINIMAL = TableMap.parse(ALLTYPES.full), TableMap.parse(ALLTYPES.minimal)


def changed(name: str, /, **attributes: Any) -> Table:
    """The structure of alltypes with one column's attributes changed."""
    columns = tuple(
        replace(column, **attributes) if column.name == name else column for column in ALLTYPES.structure.columns
    )
    return replace(ALLTYPES.structure, columns=columns)


@pytest.mark.parametrize("table", recorded())
def test_the_servers_structure_fits_its_own_log(table: str) -> None:
    found = recorded()[table]
    assert fits(found.structure, TableMap.parse(found.full), charsets()) is None
    assert fits(found.structure, TableMap.parse(found.minimal), charsets()) is None


@pytest.mark.parametrize("table", recorded())
def test_full_metadata_and_the_servers_declarations_give_the_servers_structure(table: str) -> None:
    found = recorded()[table]
    assert table_from_map(TableMap.parse(found.full), found.structure, charsets()) == found.structure


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (changed("c_int", type="bigint"), "stored as LONGLONG, but LONG in the log"),
        (changed("c_dec_10_2", scale=3), "stored as NEWDECIMAL(10,3), but NEWDECIMAL(10,2) in the log"),
        (changed("c_varchar", length=21), "stored as VARCHAR(84), but VARCHAR(80) in the log"),
        (changed("c_varchar", charset="latin1"), "stored as VARCHAR(20), but VARCHAR(80) in the log"),
        (changed("c_text", type="longtext"), "stored as BLOB(4), but BLOB(2) in the log"),
        (changed("c_time3", length=6), "stored as TIME2(6), but TIME2(3) in the log"),
        (changed("c_bit12", length=13), "stored as BIT(13), but BIT(12) in the log"),
        (changed("c_enum", values=tuple(map(str, range(300)))), "stored as ENUM(2), but ENUM(1) in the log"),
        (changed("c_set", values=tuple(map(str, range(9)))), "stored as SET(2), but SET(1) in the log"),
        (changed("c_int", nullable=True), "is NULL, but NOT NULL in the log"),
        (changed("c_int", unsigned=True), "is unsigned, but not in the log"),
        (changed("c_uint", unsigned=False), "is unsigned in the log only"),
        (changed("c_text", charset="latin1"), "has character set latin1, but utf8mb4 in the log"),
        (changed("c_tinyblob", type="tinytext", charset="utf8mb4"), "has character set utf8mb4, but binary in the log"),
        (changed("c_point", type="polygon"), "is polygon, but point in the log"),
        (changed("c_vector", length=4), "has 4 dimensions, but 3 in the log"),
        (replace(ALLTYPES.structure, columns=ALLTYPES.structure.columns[:-1]), "columns, the log has"),
    ],
)
def test_what_does_not_fit_is_named_whatever_the_metadata(table: Table, says: str) -> None:
    assert says in (fits(table, MINIMAL, charsets()) or "")
    assert says in (fits(table, FULL, charsets()) or "")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (changed("c_int", name="renamed"), "column 'renamed' is called 'c_int' in the log"),
        (changed("c_enum", values=("s", "m", "l", "xl")), "has the members ('s', 'm', 'l', 'xl'), but"),
        (changed("c_enum", charset="latin1"), "has character set latin1, but utf8mb4 in the log"),
        (replace(ALLTYPES.structure, key=("c_int",), primary_key=()), "its key is (c_int), but (id) in the log"),
    ],
)
def test_what_only_full_metadata_tells(table: Table, says: str) -> None:
    assert says in (fits(table, FULL, charsets()) or "")
    assert fits(table, MINIMAL, charsets()) is None


def test_without_the_server_the_log_tells_all_but_how_columns_are_declared() -> None:
    table = table_from_map(FULL, None, charsets())
    for ours, theirs in zip(table.columns, ALLTYPES.structure.columns, strict=True):
        undeclared = {"default": None, "expression": False, "generated": False, "auto_increment": False}
        if theirs.type in ("float", "double"):
            undeclared |= {"length": None, "scale": None}
        assert ours == replace(theirs, type_text=None, **undeclared)
    assert (table.key, table.primary_key) == (("id",), ("id",))
    assert fits(table, FULL, charsets()) is None


def test_a_column_of_another_type_keeps_nothing_of_the_servers_declaration() -> None:
    later = changed("c_int", type="bigint", default="8", type_text="bigint")
    column = table_from_map(FULL, later, charsets()).column("c_int")
    assert (column.type, column.default, column.type_text) == ("int", None, None)


def test_the_key_of_a_table_without_primary_key() -> None:
    prefix = recorded()["unique_prefix"]  # the log leaves such a key out
    table_map = TableMap.parse(prefix.full)
    assert table_from_map(table_map, prefix.structure, charsets()).key == ("a",)
    assert table_from_map(table_map, None, charsets()).key == ()
    dropped = replace(prefix.structure, key=("gone",))
    assert table_from_map(table_map, dropped, charsets()).key == ()


def single(column: LoggedColumn) -> TableMap:
    return TableMap(1, "d", "t", (column,), (), b"")


def test_a_collation_that_the_server_does_not_know_is_named() -> None:
    column = LoggedColumn(LogType.VARCHAR, 80, nullable=True, collation=9999, name="c")
    with pytest.raises(SourceError, match="collation 9999"):
        table_from_map(single(column), None, charsets())


def test_members_in_a_character_set_that_can_not_be_decoded() -> None:
    dec8 = next(number for number, charset in charsets().by_collation.items() if charset == "dec8")
    logged = LoggedColumn(LogType.ENUM, 1, nullable=True, collation=dec8, name="c", values=(b"a", b"\xe5"))
    table = Table("d", "t", (Column("c", "enum", nullable=True, charset="dec8", values=("a", "å")),), ())
    assert fits(table, single(logged), charsets()) is None
    with pytest.raises(SourceError, match="members of column 'c' in character set dec8"):
        table_from_map(single(logged), None, charsets())
    assert "has the members" in (fits(table, single(replace(logged, values=(b"a",))), charsets()) or "")


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_damaged_log_gives_a_clause_or_a_clear_error(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(ALLTYPES.full)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    with suppress(TableMapError, SourceError):
        table_map = TableMap.parse(bytes(damaged))
        fits(ALLTYPES.structure, table_map, charsets())
        table_from_map(table_map, ALLTYPES.structure, charsets())
