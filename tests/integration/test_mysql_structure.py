"""Table structure read from a real server and from its log, and whether the two are found to be the same."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pymysql.cursors import Cursor
from sqlalchemy import URL

from headwater.sources.mysql.match import fits, table_from_map
from headwater.sources.mysql.server import (
    Charsets,
    create_statement,
    read_charsets,
    read_table,
    read_tables,
)
from headwater.sources.mysql.table import Column, Table
from headwater.sources.mysql.table_map import TableMap
from tests.integration.mysql_log import connect, table_map
from tests.mysql_settings import row_metadata
from tests.recordings.mysql_structure import STATEMENTS, recorded

NO_DECODER = ("armscii8", "dec8", "eucjpms", "geostd8", "keybcs2", "swe7")


@pytest.fixture
def cursor(mysql_database: URL) -> Iterator[Cursor]:
    with connect(mysql_database) as connection, connection.cursor() as cursor:
        yield cursor


@pytest.fixture(params=["FULL", "MINIMAL"])
def metadata(request: pytest.FixtureRequest, cursor: Cursor) -> Iterator[str]:
    """The server's binlog_row_metadata."""
    with row_metadata(cursor, request.param):
        yield request.param


@pytest.fixture
def logged(mysql_database: URL, cursor: Cursor) -> Callable[[str], TableMap]:
    """Inserts a row of defaults into a table and gives what the log says of the table."""
    return lambda table: TableMap.parse(table_map(mysql_database, cursor, f"INSERT INTO `{table}` () VALUES ()"))


@pytest.fixture
def structure(mysql_database: URL, cursor: Cursor) -> Callable[[str], Table]:
    """Reads a table that is there."""

    def read(table: str) -> Table:
        found = read_table(cursor, mysql_database.database or "", table)
        assert found is not None
        return found

    return read


def test_structures_are_read_as_recorded(mysql_database: URL, cursor: Cursor) -> None:
    for statement in STATEMENTS:
        cursor.execute(statement)
    database = mysql_database.database or ""
    tables = read_tables(cursor, [(database, name) for name in recorded()])
    expected = {(database, name): replace(table.structure, database=database) for name, table in recorded().items()}
    assert tables == expected


def test_a_structure_fits_the_log_and_the_log_gives_the_structure(
    cursor: Cursor, metadata: str, logged: Callable[[str], TableMap], structure: Callable[[str], Table]
) -> None:
    for statement in STATEMENTS:
        cursor.execute(statement)
    charsets = read_charsets(cursor)
    for name in recorded():
        found, table = logged(name), structure(name)
        assert fits(table, found, charsets) is None
        assert found.has_names == (metadata == "FULL")
        if found.has_names:
            assert table_from_map(found, table, charsets) == table


def columns_in_every_charset(charsets: Charsets) -> Iterator[str]:
    for number, charset in enumerate(charsets.widths):
        if charset != "binary":
            members = "utf8mb4" if charset in NO_DECODER else charset
            yield f"v{number} varchar(10) CHARACTER SET {charset}, c{number} char(9) CHARACTER SET {charset}"
            yield f"t{number} text CHARACTER SET {charset}, e{number} enum('a','b') CHARACTER SET {members}"


def test_every_character_set(
    cursor: Cursor, metadata: str, logged: Callable[[str], TableMap], structure: Callable[[str], Table]
) -> None:
    charsets = read_charsets(cursor)
    cursor.execute(f"CREATE TABLE t ({', '.join(columns_in_every_charset(charsets))})")
    found, table = logged("t"), structure("t")
    assert fits(table, found, charsets) is None
    if metadata == "FULL":
        assert table_from_map(found, table, charsets) == table


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("ADD b int", "it has 3 columns, the log has 2"),
        ("DROP a", "it has 1 columns, the log has 2"),
        ("MODIFY a bigint", "column 'a' is bigint, stored as LONGLONG, but VARCHAR(40) in the log"),
        ("MODIFY a varchar(11)", "column 'a' is varchar(11), stored as VARCHAR(44), but VARCHAR(40) in the log"),
        ("MODIFY a varchar(10) NOT NULL", "column 'a' is NOT NULL, but NULL in the log"),
        ("MODIFY a varchar(40) CHARACTER SET latin1", "column 'a' has character set latin1, but utf8mb4 in the log"),
        ("MODIFY id int unsigned AUTO_INCREMENT", "column 'id' is unsigned, but not in the log"),
    ],
)
@pytest.mark.usefixtures("metadata")
def test_a_structure_changed_since_does_not_fit(
    cursor: Cursor, logged: Callable[[str], TableMap], structure: Callable[[str], Table], change: str, says: str
) -> None:
    cursor.execute("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a varchar(10)) CHARACTER SET utf8mb4")
    before = logged("t")
    cursor.execute(f"ALTER TABLE t {change}")
    assert fits(structure("t"), before, read_charsets(cursor)) == says


def test_full_metadata_gives_the_structure_of_rows_older_than_a_change(
    cursor: Cursor, logged: Callable[[str], TableMap], structure: Callable[[str], Table]
) -> None:
    cursor.execute("CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a int DEFAULT 7, gone enum('x', 'é'))")
    with row_metadata(cursor, "FULL"):
        before = logged("t")
        old = structure("t")
    cursor.execute("ALTER TABLE t DROP gone, MODIFY a bigint DEFAULT 8, ADD b int FIRST")
    table = table_from_map(before, structure("t"), read_charsets(cursor))
    assert table.column("id") == old.column("id")
    assert table.column("a") == replace(old.column("a"), default=None, type_text=None)
    assert table.column("gone") == replace(old.column("gone"), type_text=None)
    assert table.key == ("id",)


def test_names_and_members_with_everything_that_needs_escaping(
    cursor: Cursor, logged: Callable[[str], TableMap], structure: Callable[[str], Table]
) -> None:
    name, column = 'it\'s `a` "table"', "a`b'c\"d\\e"
    members = ("it's", "back\\slash", "two\nlines", 'qu"ote', "(a)", "a,b", "ünïcode", "\r", "% %s {0}")
    listed = ", ".join(cursor.mogrify("%s", (member,)) for member in members)
    quoted = f"`{name.replace('`', '``')}`"
    cursor.execute(
        f"CREATE TABLE {quoted} (`{column.replace('`', '``')}` enum({listed}) DEFAULT 'it''s') CHARSET utf8mb4"
    )
    table = structure(name)
    assert table.columns[0].name == column
    assert table.columns[0].values == members
    assert table.columns[0].default == "it's"
    with row_metadata(cursor, "FULL"):
        found = logged(name.replace("`", "``"))
    assert fits(table, found, read_charsets(cursor)) is None
    assert table_from_map(found, table, read_charsets(cursor)) == table
    assert create_statement(cursor, table.database, name).startswith(f"CREATE TABLE {quoted} (")


def test_a_timestamp_default_is_read_in_the_server_s_time_zone_wherever_it_was_declared(
    cursor: Cursor, structure: Callable[[str], Table]
) -> None:
    cursor.execute("SET time_zone = '+05:00'")
    cursor.execute(
        "CREATE TABLE t (plain timestamp NOT NULL COMMENT ' DEFAULT ''x''' DEFAULT '2020-01-01 10:00:00', "
        "`a``b` timestamp(3) NULL DEFAULT '2020-01-01 10:00:00.5', none timestamp NULL COMMENT 'DEFAULT ''y''')"
    )
    cursor.execute("SELECT CONVERT_TZ('2020-01-01 05:00:00', '+00:00', @@GLOBAL.time_zone)")
    ((there,),) = cursor.fetchall()
    defaults = [column.default for column in structure("t").columns]
    assert defaults == [str(there), f"{there}.500", None]


def test_what_is_no_table_is_not_read(mysql_database: URL, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (id int)")
    cursor.execute("CREATE VIEW v AS SELECT * FROM t")
    database = mysql_database.database or ""
    assert set(read_tables(cursor, [(database, "t"), (database, "v"), (database, "nothing")])) == {(database, "t")}
    assert read_tables(cursor, []) == {}


def test_many_tables_are_read_at_once(mysql_database: URL, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (id int PRIMARY KEY) CHARACTER SET utf8mb4")
    database = mysql_database.database or ""
    ids = [(database, f"nothing{number}") for number in range(1200)] + [(database, "t")]
    column = Column("id", "int", nullable=False, type_text="int")
    assert read_tables(cursor, ids) == {(database, "t"): Table(database, "t", (column,), ("id",), ("id",), "utf8mb4")}
