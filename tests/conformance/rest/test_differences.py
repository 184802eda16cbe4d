"""Differences on purpose are told to users."""

from pathlib import Path

import pytest

from tests.conformance.rest.differences import ALL

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "differences.md"


@pytest.mark.parametrize("difference", ALL, ids=lambda difference: difference.title)
def test_a_difference_is_documented(difference):
    assert difference.row in PAGE.read_text().splitlines()
