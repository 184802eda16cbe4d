"""Replacing and patching configurations."""

import pytest

from tests.conformance.rest.differences import BAD_BODY, NO_VALUES, PATCHED_NAME
from tests.conformance.rest.exchange import delete, get, patch, post, put

CONNECTOR = "/connectors/items"
CONFIG = "/connectors/items/config"


@pytest.fixture
def stopped(pair, config):
    """A stopped connector, so that a new configuration starts nothing; gives its configuration."""
    pair.same(post("/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"}))
    return config


def test_put_replaces(pair, stopped):
    pair.same(put(CONFIG, stopped), put(CONFIG, {**stopped, "name": "items"}), get(CONFIG))
    pair.same(put(CONFIG, {**stopped, "tombstones.on.delete": False, "unknown": 5}), get(CONFIG), get(CONNECTOR))
    pair.same(put(CONFIG, stopped), get(CONFIG), get("/connectors?expand=info"), get(f"{CONNECTOR}/status"))


def test_put_that_is_refused_changes_nothing(pair, stopped):
    pair.same(*(put(CONFIG, {**stopped, "name": name}) for name in ("other", "", " items")))
    pair.same(put(CONFIG, {**stopped, "tasks.max": "0"}), put(CONFIG, {**stopped, "connector.class": "nonsense"}))
    pair.same(put("/connectors/other/config", {**stopped, "name": "items"}), put(CONFIG, {**stopped, "a": None}))
    pair.differ(NO_VALUES, put(CONFIG, {}), put(CONFIG, {"topic.prefix": "a"}))
    pair.differ(
        BAD_BODY, *(put(CONFIG, body) for body in ([], 5, {"a": []}, {"a": {}}, None)), connect=500, headwater=400
    )
    pair.same(get(CONFIG), get("/connectors"))


def test_put_takes_a_name_of_null_as_none(pair, stopped):
    pair.same(put(CONFIG, {**stopped, "name": None}), get(CONFIG))


def test_patch_merges(pair, stopped):
    pair.same(patch(CONFIG, {"tombstones.on.delete": False, "errors.max.retries": 3}), get(CONFIG))
    pair.same(patch(CONFIG, {"tombstones.on.delete": None, "unknown": None}), get(CONFIG), get(CONNECTOR))
    pair.same(patch(CONFIG, {}), patch(CONFIG, {"name": "items"}), get(CONFIG))
    pair.same(patch(CONFIG, {"a": 1.5, "b": True, "c": "", "ü": "人"}), get(CONFIG), get(f"{CONNECTOR}/status"))
    pair.same(patch(CONFIG, {"a": None, "b": None}), get(CONFIG))


def test_patch_that_is_refused_changes_nothing(pair, stopped):
    pair.same(*(patch(CONFIG, {name: None}) for name in ("name", "topic.prefix", "database.hostname")))
    pair.same(patch(CONFIG, {"tasks.max": "0"}), patch(CONFIG, {"tasks.max": "many", "snapshot.mode": "some"}))
    pair.same(patch(CONFIG, {"connector.class": "nonsense"}), patch(CONFIG, {"database.port": "many"}))
    pair.differ(NO_VALUES, patch(CONFIG, {"connector.class": None}))
    pair.differ(
        BAD_BODY, *(patch(CONFIG, body) for body in ([], 5, {"a": []}, {"a": {}}, None)), connect=500, headwater=400
    )
    pair.same(get(CONFIG))


def test_patch_cannot_rename(pair, stopped):
    pair.differ(PATCHED_NAME, patch(CONFIG, {"name": "other"}), connect=200, headwater=400)
    pair.same(delete(CONNECTOR))
