"""The worker's health and its loggers."""

import pytest

from tests.conformance.rest.differences import EMPTY_LEVEL, LOGGERS, UNLABELLED
from tests.conformance.rest.exchange import get, put

ROOT = "/admin/loggers/root"


def test_health(pair):
    pair.same(get("/health"), get("/health/"), get("/health?a=b"))


def test_levels_of_loggers(pair):
    pair.differ(LOGGERS, get("/admin/loggers"))
    pair.same(get(ROOT), get("/admin/loggers/no.such.logger"))
    pair.differ(UNLABELLED, get("/admin/loggers/root/x"))
    try:
        for level in ("DEBUG", "warn", "ERROR"):
            pair.differ(LOGGERS, put(ROOT, {"level": level}))
            pair.same(get(ROOT))
        pair.same(*(put(f"{ROOT}?scope={scope}", {"level": "WARN"}) for scope in ("cluster", "CLUSTER")))
        pair.same(get(ROOT))
    finally:
        pair.differ(LOGGERS, put(ROOT, {"level": "INFO"}))
    pair.same(*(put(f"{ROOT}?scope={scope}", {"level": "INFO"}) for scope in ("worker", "other", "")))


@pytest.mark.parametrize("body", [{}, {"level": None}, {"level": "LOUD"}, {"Level": "INFO"}, {"level": 5}])
def test_levels_that_are_refused(pair, body):
    pair.same(put(ROOT, body), put("/admin/loggers/a.b", body), put(f"{ROOT}?scope=cluster", body))
    pair.same(get(ROOT))


def test_an_empty_level_is_refused(pair):
    pair.differ(
        EMPTY_LEVEL, put(ROOT, {"level": ""}), put("/admin/loggers/a.b", {"level": ""}), connect=500, headwater=404
    )


def test_a_logger_of_another_name(pair):
    pair.same(put("/admin/loggers/a.b.c", {"level": "ERROR"}), get("/admin/loggers/a.b.c"), get("/admin/loggers/a.b"))
