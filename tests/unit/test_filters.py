import pytest

from headwater.sources.filters import TableFilter, patterns


def test_lists_match_whole_names_whatever_their_case() -> None:
    tables = TableFilter(table_include="course\\.outbox, Shop\\.order.*")
    assert tables.captures("course", "outbox")
    assert tables.captures("SHOP", "orders_2024")
    assert not tables.captures("course", "outbox_old")
    assert not tables.captures("my_course", "outbox")


def test_without_lists_everything_but_the_servers_own_is_captured() -> None:
    tables = TableFilter(builtin=frozenset({"mysql", "sys"}))
    assert tables.captures("course", "outbox")
    assert tables.captures_column("course", "outbox", "id")
    assert not tables.captures("mysql", "user")
    assert not tables.captures("SYS", "sys_config")


def test_an_excluded_database_keeps_its_tables_out_of_the_include_list() -> None:
    tables = TableFilter(database_exclude="secret", table_include=".*\\.t")
    assert tables.captures("open", "t")
    assert not tables.captures("secret", "t")
    assert not tables.captures_database("secret")


def test_exclude_lists() -> None:
    tables = TableFilter(table_exclude="d\\.a,d\\.b", column_exclude="d\\.t\\.secret.*")
    assert [name for name in "abc" if tables.captures("d", name)] == ["c"]
    assert not tables.captures_column("d", "t", "secret_note")
    assert tables.captures_column("d", "t", "note")


def test_included_columns() -> None:
    tables = TableFilter(column_include="d\\.t\\.(id|name)")
    assert [name for name in ("id", "name", "note") if tables.captures_column("d", "t", name)] == ["id", "name"]


def test_a_comma_within_an_expression_is_escaped() -> None:
    tables = TableFilter(table_include="d\\.t[0-9]{1\\,2},d\\.u")
    assert tables.captures("d", "t12")
    assert tables.captures("d", "u")
    assert not tables.captures("d", "t123")


@pytest.mark.parametrize("empty", [None, "", " ", " , "])
def test_an_empty_list_is_no_list(empty: str | None) -> None:
    assert TableFilter(table_include=empty).captures("d", "t")


def test_expressions_are_javas() -> None:
    tables = TableFilter(table_include="\\Qa.b\\E,d\\.\\p{Alpha}+")
    assert [name for name in (("a", "b"), ("axb", ""), ("d", "x"), ("d", "1")) if tables.captures(*name)] == [
        ("a", "b"),
        ("d", "x"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a(,b", "'a\\(' is not a regular"),
        ("a,b\\", "backslash that escapes"),
        ("a\\.[a-z&&[^b]]", "a class within a class"),
    ],
)
def test_a_list_that_can_not_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        patterns(text)


def test_snapshots_go_by_the_include_list_and_then_by_name() -> None:
    tables = TableFilter(table_include="d\\.z,d\\..*")
    assert tables.in_listed_order([("d", "b"), ("d", "z"), ("d", "a")]) == [("d", "z"), ("d", "a"), ("d", "b")]
