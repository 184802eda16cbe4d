"""The topics that a connector's messages went to."""

from tests.conformance.rest.exchange import delete, get, post, put

TOPICS = "/connectors/items/topics"


def test_topics_are_shown_and_forgotten(pair, config):
    pair.same(get(TOPICS), put(f"{TOPICS}/reset"))
    pair.same(post("/connectors", {"name": "items", "config": {**config, "snapshot.mode": "initial"}}))
    pair.until(get(TOPICS), lambda body: body["items"]["topics"])
    pair.same(get(TOPICS), get("/connectors/other/topics"))
    pair.same(put("/connectors/items/stop"))
    pair.wait("items", "STOPPED", [])
    pair.same(get(TOPICS), put(f"{TOPICS}/reset"), get(TOPICS), put("/connectors/other/topics/reset"))
    pair.same(put("/connectors/items/resume"))
    pair.wait("items", "RUNNING", ["RUNNING"])
    pair.same(get(TOPICS), delete("/connectors/items"), get(TOPICS))
