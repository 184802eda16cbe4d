"""GTID sets against a plain set of transactions, and as text and bytes that MySQL reads."""

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.mysql.gtid import GtidSet

A, B = str(UUID(int=10)), str(UUID(int=11))
sources = st.sampled_from([A, B, f"{A}:tag", f"{B}:other_tag"])
numbers = st.integers(1, 40)
transactions = st.lists(st.tuples(sources, numbers))


def naive(text: str) -> set[tuple[str, int]]:
    """Every transaction in a set's text, one by one."""
    found = set()
    for member in filter(None, text.split(",")):
        uuid, *parts = member.split(":")
        source = uuid
        for part in parts:
            if part[0].isdigit():
                low, _, high = part.partition("-")
                found |= {(source, number) for number in range(int(low), int(high or low) + 1)}
            else:
                source = f"{uuid}:{part}"
    return found


@given(transactions)
def test_holds_what_was_added(added):
    gtids = GtidSet()
    for source, number in added:
        gtids.add(source, number)
    assert naive(str(gtids)) == set(added)
    assert bool(gtids) == bool(added)


@given(st.lists(st.tuples(sources, numbers, st.integers(0, 10))))
def test_intervals_are_joined(intervals):
    gtids = GtidSet(",".join(f"{source}:{low}-{low + more}" for source, low, more in intervals))
    assert naive(str(gtids)) == {
        (source, number) for source, low, more in intervals for number in range(low, low + more + 1)
    }
    assert GtidSet(str(gtids)) == gtids
    one_by_one = GtidSet()
    for source, number in sorted(naive(str(gtids)), reverse=True):
        one_by_one.add(source, number)
    assert one_by_one == gtids
    assert str(one_by_one) == str(gtids)


def test_reads_text_as_the_server_writes_it():
    assert str(GtidSet(f"{B.upper()}:1-3:5,\n{A}:7:9-10:tag:1-2")) == f"{A}:7:9-10,{A}:tag:1-2,{B}:1-3:5"


@pytest.mark.parametrize(
    "text",
    [
        "x",
        A,
        f"{A}:",
        f"{A}:0",
        f"{A}:3-1",
        f"{A}:-1",
        f"{A[:-1]}:1",
        f"{A}:1-2-3",
        f"{A}:tag",
        f"{A}:9223372036854775807",
    ],
)
def test_refuses_what_is_no_set(text):
    with pytest.raises(ValueError):
        GtidSet(text)


@given(st.text())
def test_refuses_any_other_text_with_a_value_error(text):
    try:
        gtids = GtidSet(text)
    except ValueError:
        return
    assert GtidSet(str(gtids)) == gtids


def test_bytes_of_the_dump_command():
    """Intervals are half open there: the end is the first transaction that is not in it."""
    assert GtidSet().encode() == bytes(8)
    assert GtidSet(f"{B}:5,{A}:1-3:7").encode() == b"".join(
        [
            struct.pack("<Q", 2),
            UUID(A).bytes + struct.pack("<QQQQQ", 2, 1, 4, 7, 8),
            UUID(B).bytes + struct.pack("<QQQ", 1, 5, 6),
        ]
    )


def test_tags_have_no_place_in_the_bytes():
    with pytest.raises(ValueError, match="tag"):
        GtidSet(f"{A}:tag:1").encode()
