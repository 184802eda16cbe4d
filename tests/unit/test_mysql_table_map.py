from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.mysql.table_map import LogType, TableMap, TableMapError, identify
from tests.recordings.mysql_structure import recorded

BODIES = [body for table in recorded().values() for body in (table.full, table.minimal)]


def packed(body: bytes) -> bytes:
    """With its length before it."""
    return bytes([len(body)]) + body


def event(types: bytes = b"\x03", metadata: bytes = b"", nulls: bytes = b"\x00", optional: bytes = b"") -> bytes:
    """A TABLE_MAP body of table d.t."""
    return (
        b"\x07\0\0\0\0\0" + b"\1\0" + packed(b"d") + b"\0" + packed(b"t") + b"\0" + packed(types) + packed(metadata)
    ) + (nulls + optional)


@pytest.mark.parametrize("body", BODIES)
def test_names_types_and_nullability_are_those_of_the_server(body: bytes) -> None:
    table_map = TableMap.parse(body)
    structure = recorded()[table_map.table].structure
    assert identify(body) == (table_map.number, table_map.database, table_map.table)
    assert table_map.database == structure.database
    assert [column.nullable for column in table_map.columns] == [column.nullable for column in structure.columns]
    if table_map.has_names:
        assert [column.name for column in table_map.columns] == [column.name for column in structure.columns]
    else:
        assert {column.name for column in table_map.columns} == {None}


def test_what_the_log_has_of_columns_with_full_metadata() -> None:
    table_map = TableMap.parse(recorded()["alltypes"].full)
    columns = {column.name: column for column in table_map.columns}
    decimal, char, text = columns["c_dec_65_30"], columns["c_char255"], columns["c_text"]
    enum, point, vector = columns["c_enum_latin1"], columns["c_point"], columns["c_vector"]
    assert (decimal.type, decimal.meta, decimal.unsigned) == (LogType.NEWDECIMAL, 65 << 8 | 30, False)
    assert columns["c_udec"].unsigned
    assert (char.type, char.meta, char.collation) == (LogType.STRING, 1020, 255)
    assert (text.type, text.meta) == (LogType.BLOB, 2)
    assert (enum.type, enum.meta, enum.values, enum.collation) == (LogType.ENUM, 1, (b"it's", b"\xe9"), 8)
    assert (point.type, point.geometry) == (LogType.GEOMETRY, 1)
    assert (vector.type, vector.dimensions) == (LogType.VECTOR, 3)
    assert (columns["c_bit12"].type, columns["c_bit12"].meta) == (LogType.BIT, 12)
    assert (columns["c_timestamp3"].type, columns["c_timestamp3"].meta) == (LogType.TIMESTAMP2, 3)
    assert [name for name, column in columns.items() if not column.visible] == ["c_invisible"]


def test_the_year_column_takes_a_bit_of_signedness() -> None:
    """MySQL's own reader leaves it out, against its writer: what follows would get its neighbour's sign."""
    columns = {column.name: column for column in TableMap.parse(recorded()["alltypes"].full).columns}
    assert columns["c_year"].unsigned
    assert not columns["c_stored"].unsigned


def test_minimal_metadata_has_signs_and_character_sets_too() -> None:
    body = recorded()["alltypes"]
    full, minimal = TableMap.parse(body.full), TableMap.parse(body.minimal)
    assert [column.unsigned for column in minimal.columns] == [column.unsigned for column in full.columns]
    text = LogType.STRING, LogType.VARCHAR, LogType.BLOB
    collations = [[column.collation for column in found.columns if column.type in text] for found in (full, minimal)]
    assert collations[0] == collations[1]
    assert not minimal.has_names


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("alltypes", ["id"]),
        ("primary_prefix", ["b", "a"]),
        ("unique_not_null", ["b", "c"]),
        ("unique_nullable", []),
        ("unique_prefix", []),
    ],
)
def test_the_key_in_the_log(table: str, key: list[str]) -> None:
    table_map = TableMap.parse(recorded()[table].full)
    assert [table_map.columns[index].name for index in table_map.primary_key or ()] == key
    assert TableMap.parse(recorded()[table].minimal).primary_key is None


def test_equal_structures_have_equal_signatures_whatever_the_table_number() -> None:
    body = recorded()["alltypes"].full
    renumbered = b"\xff" * 6 + body[6:]
    assert TableMap.parse(renumbered).signature == TableMap.parse(body).signature
    assert TableMap.parse(recorded()["alltypes"].minimal).signature != TableMap.parse(body).signature


def test_fields_of_a_newer_server_are_skipped() -> None:
    assert TableMap.parse(event(optional=b"\xee\x03new")).columns == TableMap.parse(event()).columns


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the table's number should have 6 bytes"),
        (event()[:-1], "the null bits"),
        (event(types=b"\x14"), "column 1 has type 20, which is not known"),
        (event(types=b"\xfe", metadata=b"\x0f\x00"), "column 1 has type 254"),
        (event(types=b"\x12", metadata=b"\x07"), "column 1 has type DATETIME2 with metadata 7"),
        (event(types=b"\xfc", metadata=b"\x05"), "column 1 has type BLOB with metadata 5"),
        (event(types=b"\xf6", metadata=b"\x0a\x0b"), "column 1 has type NEWDECIMAL with metadata 2571"),
        (event(metadata=b"\x00"), "1 bytes are left over behind the metadata"),
        (event(types=b"\xf6", metadata=b"\x0a"), "a column's metadata should have 2 bytes"),
        (event(optional=b"\x01\x00"), "SIGNEDNESS should have 1 bytes"),
        (event(optional=b"\x01\x02\x00\x00"), "1 bytes are left over behind SIGNEDNESS"),
        (event(optional=b"\x03\x01\x08"), "COLUMN_CHARSET speaks of 1 columns, 0 are of its types"),
        (event(types=b"\x0f", metadata=b"\x08\x00", optional=b"\x02\x03\x08\x01\x08"), "column 1 of 1 of its types"),
        (event(optional=b"\x04\x02\x01\xff"), "is not UTF-8"),
        (event(types=b"\x03\x03", optional=b"\x04\x04\x01a\x01a"), "the same name twice"),
        (event(optional=b"\x08\x01\x01"), "SIMPLE_PRIMARY_KEY names columns [1] of 1"),
        (event(optional=b"\x08\x02\x00\x00"), "SIMPLE_PRIMARY_KEY names columns [0, 0] of 1"),
        (event(optional=b"\x09\x01\x00"), "PRIMARY_KEY_WITH_PREFIX ends within a pair"),
        (event(optional=b"\x01\xfb"), "no length-encoded integer"),
        (event().replace(b"\x01d\0", b"\x01d\1"), "does not end with a zero byte"),
    ],
)
def test_bytes_that_do_not_fit_are_named(body: bytes, says: str) -> None:
    with pytest.raises(TableMapError) as caught:
        TableMap.parse(body)
    assert says in str(caught.value)


@given(st.sampled_from(BODIES), st.data())
def test_a_body_cut_short_is_never_a_whole_structure(body: bytes, data: st.DataObject) -> None:
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        table_map = TableMap.parse(cut)
    except TableMapError:
        return
    assert table_map.physical == TableMap.parse(body).physical  # only optional metadata is gone


@given(st.sampled_from(BODIES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_bytes_give_a_structure_or_a_clear_error(body: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(body)
    for position, value in changes:
        damaged[position % len(body)] = value
    for read in (TableMap.parse, identify):
        with suppress(TableMapError):
            read(bytes(damaged))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_structure_or_a_clear_error(body: bytes) -> None:
    with suppress(TableMapError):
        TableMap.parse(body)
