"""Several threads read; what they read comes in its order."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import pytest

from headwater.sources.mongodb.read_ahead import ReadAhead

DEADLINE_SECONDS = 20


class ReadingError(Exception):
    """What went wrong."""


def numbers(parts: int, items: int) -> Iterator[Iterable[int]]:
    return (range(part * items, (part + 1) * items) for part in range(parts))


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(("parts", "items"), [(0, 0), (1, 5), (20, 0), (20, 1), (20, 9)])
def test_every_item_comes_once_and_in_order(threads: int, parts: int, items: int) -> None:
    assert list(ReadAhead(numbers(parts, items), threads)) == list(range(parts * items))


def test_parts_are_read_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=DEADLINE_SECONDS)

    def part(number: int) -> Iterator[int]:
        together.wait()
        yield number

    assert list(ReadAhead(map(part, range(3)), 3)) == [0, 1, 2]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_behind_what_was_read_before_it(threads: int) -> None:
    def part(number: int) -> Iterator[int]:
        yield number
        if number == 4:
            raise ReadingError

    read = ReadAhead(map(part, range(9)), threads)
    assert [next(read) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ReadingError):
        next(read)
    read.close()


def test_an_error_in_finding_the_next_part() -> None:
    def parts() -> Iterator[Iterable[int]]:
        yield [1]
        raise ReadingError

    read = ReadAhead(parts(), 2)
    assert next(read) == 1
    with pytest.raises(ReadingError):
        next(read)


def test_threads_end_when_nobody_wants_the_rest() -> None:
    before = set(threading.enumerate())
    read = ReadAhead(numbers(1000, 1000), 4)
    assert next(read) == 0
    started = set(threading.enumerate()) - before
    read.close()
    for thread in started:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()


def test_what_waits_is_bounded() -> None:
    read_parts = []

    def part(number: int) -> Iterator[int]:
        read_parts.append(number)
        yield number

    threads = 2
    read = ReadAhead(map(part, range(100)), threads)
    for number in range(100):
        assert next(read) == number
        assert len(read_parts) <= number + 1 + threads + 1
