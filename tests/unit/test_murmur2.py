"""The hash of Kafka's Java producer, by the values of ``org.apache.kafka.common.utils.UtilsTest``."""

import pytest

from headwater.murmur2 import murmur2

CASES = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize(("text", "hashed"), CASES.items())
def test_javas_values(text: str, hashed: int) -> None:
    assert murmur2(text.encode()) == hashed % 2**32
