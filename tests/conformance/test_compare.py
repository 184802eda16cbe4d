"""The comparison itself must see every kind of difference."""

import json

import pytest

from tests.conformance.compare import Comparison
from tests.conformance.event import Event

VALUE = (
    b'{"before":null,"after":{"a":1,"b":[0.0]},"source":{"version":"1","ts_ms":5,"snapshot":"false","pos":7},"ts_ms":9}'
)
EVENT = Event("t", b'{"id":1}', VALUE, (("h", b"v"),))


def _differences(expected: list[Event], actual: list[Event]) -> list[str]:
    comparison = Comparison()
    comparison.compare(expected, actual)
    return comparison.differences


def _changed(old: bytes, new: bytes) -> Event:
    assert old in VALUE
    return Event(EVENT.topic, EVENT.key, VALUE.replace(old, new), EVENT.headers)


@pytest.mark.parametrize(
    "other",
    [
        Event("other", EVENT.key, VALUE, EVENT.headers),
        Event("t", b'{"id":2}', VALUE, EVENT.headers),
        Event("t", None, VALUE, EVENT.headers),
        Event("t", EVENT.key, None, EVENT.headers),
        Event("t", EVENT.key, VALUE, (("h", b"w"),)),
        Event("t", EVENT.key, VALUE, ()),
        Event("t", EVENT.key, VALUE, (("h", b"v"), ("i", b"v"))),
        _changed(b'"a":1,"b":[0.0]', b'"b":[0.0],"a":1'),
        _changed(b'"a":1', b'"a":1.0'),
        _changed(b'"a":1', b'"a":true'),
        _changed(b'"a":1,', b""),
        _changed(b'"a":1', b'"a":1,"c":null'),
        _changed(b"[0.0]", b"[-0.0]"),
        _changed(b"[0.0]", b"[]"),
        _changed(b"null", b"{}"),
        _changed(b'"pos":7', b'"pos":8'),
        _changed(b'"ts_ms":9', b'"ts_ms":"9"'),
    ],
)
def test_a_difference_is_seen(other: Event) -> None:
    assert _differences([EVENT], [other])
    assert _differences([other], [EVENT])


def test_a_missing_or_surplus_event_is_seen() -> None:
    assert _differences([EVENT], []) == ['only Debezium: t {"id": 1}']
    assert _differences([EVENT], [EVENT, EVENT]) == ['only Headwater: t {"id": 1}']


def test_clocks_and_versions_may_differ() -> None:
    other = VALUE.replace(b'"ts_ms":9', b'"ts_ms":10').replace(b'"version":"1"', b'"version":"2"')
    assert json.loads(other) != json.loads(VALUE)
    assert not _differences([EVENT], [Event(EVENT.topic, EVENT.key, other, EVENT.headers)])


def test_nothing_compared_is_a_failure() -> None:
    with pytest.raises(AssertionError):
        Comparison().assert_equal()
