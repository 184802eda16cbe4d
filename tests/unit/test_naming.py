import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.naming import topic_name


@pytest.mark.parametrize(
    ("parts", "topic"),
    [
        (("dbserver1", "course", "outbox"), "dbserver1.course.outbox"),
        (("s", "my db", "t$1"), "s.my_db.t_1"),
        (("s", "강의", "t"), "s.__.t"),
        (("s", "d", "😀"), "s.d.__"),
        (("s", "", "t"), "s.t"),
        (("s", "d", "t" * 300), "s.d." + "t" * 245),
        ((".",), "_"),
        (("..",), "__"),
    ],
)
def test_topics_are_named_as_by_debezium(parts: tuple[str, ...], topic: str) -> None:
    assert topic_name(*parts) == topic


@given(st.text(min_size=1), st.text())
def test_every_name_is_one_that_kafka_takes(prefix: str, table: str) -> None:
    name = topic_name(prefix, table)
    assert len(name) <= 249
    assert all(character.isascii() and (character.isalnum() or character in "._-") for character in name)
    assert name not in (".", "..")
