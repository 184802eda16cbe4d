"""Offsets by hand."""

import pytest

from tests.conformance.rest.differences import BAD_BODY, CHECKED_OFFSETS, OFFSETS_MESSAGE
from tests.conformance.rest.exchange import delete, get, patch, post, put

PLACE = {"file": "binlog.000001", "pos": 4}


class Connector:
    """A connector, of a name of its own: offsets outlive connectors."""

    def __init__(self, config):
        self.name = f"connector-{config['topic.prefix']}"
        self.path = f"/connectors/{self.name}"
        self.offsets = f"{self.path}/offsets"
        self.partition = {"server": config["topic.prefix"]}
        self._config = config

    def create(self, state):
        return post("/connectors", {"name": self.name, "config": self._config, "initial_state": state})

    def change(self, *offsets):
        """Replaces the offsets of the given (partition, offset)."""
        entries = [{"partition": partition, "offset": offset} for partition, offset in offsets]
        return patch(self.offsets, {"offsets": entries})


@pytest.fixture
def connector(config):
    return Connector(config)


@pytest.fixture
def stopped(pair, connector):
    pair.same(connector.create("STOPPED"))
    return connector


def test_only_stopped_connectors_are_changed(pair, connector):
    changes = [connector.change((connector.partition, offset)) for offset in (PLACE, None)]
    pair.same(connector.create("PAUSED"))
    pair.same(get(connector.offsets), delete(connector.offsets), *changes)
    pair.same(put(f"{connector.path}/resume"))
    pair.wait(connector.name, "RUNNING", ["RUNNING"])
    pair.same(delete(connector.offsets), *changes)


def test_offsets_are_altered_and_reset(pair, stopped):
    offsets, partition = get(stopped.offsets), stopped.partition
    pair.same(offsets)
    for place in (PLACE, {**PLACE, "gtids": ""}, {**PLACE, "ts_sec": 5, "row": 1, "server_id": 1, "event": 2}):
        pair.differ(OFFSETS_MESSAGE, stopped.change((partition, place)))
        pair.same(offsets)
    pair.differ(OFFSETS_MESSAGE, stopped.change((partition, PLACE), (partition, {**PLACE, "file": "binlog.000002"})))
    pair.same(offsets)
    pair.differ(OFFSETS_MESSAGE, *(stopped.change((gone, None)) for gone in (partition, partition, {"server": "x"})))
    pair.same(offsets)
    pair.differ(OFFSETS_MESSAGE, stopped.change((partition, PLACE)), *[delete(stopped.offsets)] * 2)
    pair.same(offsets, get(f"{stopped.path}/status"))


def test_nothing_to_alter(pair, stopped):
    pair.same(*(patch(stopped.offsets, body) for body in ({}, {"offsets": None}, {"offsets": []})))


def test_offsets_of_other_shapes_are_refused(pair, stopped):
    bodies = ({"offsets": 5}, {"offsets": {}}, {"offset": []}, {"offsets": [5]})
    partition = stopped.partition
    entry = {"partition": partition, "offset": PLACE}
    pair.differ(
        BAD_BODY,
        *(patch(stopped.offsets, body) for body in (*bodies, {"offsets": [{**entry, "more": 1}]})),
        *(stopped.change((other, PLACE)) for other in (5, [], "text")),
        *(stopped.change((partition, place)) for place in (5, [PLACE], {**PLACE, "more": [1]}, {**PLACE, "more": {}})),
        connect=500,
        headwater=400,
    )
    pair.same(get(stopped.offsets))


def test_offsets_that_connect_takes_unseen(pair, stopped):
    partition = stopped.partition
    places = (
        {},
        {"file": "f"},
        {"pos": 4},
        {**PLACE, "pos": "4"},
        {**PLACE, "pos": -1},
        {**PLACE, "pos": 4.5},
        {**PLACE, "file": 5},
        {**PLACE, "gtids": "x"},
    )
    pair.differ(
        CHECKED_OFFSETS,
        *(stopped.change((partition, place)) for place in places),
        *(stopped.change((other, PLACE)) for other in ({}, {"server": "y"}, {"server": 1}, {**partition, "a": "b"})),
        connect=200,
        headwater=400,
    )
