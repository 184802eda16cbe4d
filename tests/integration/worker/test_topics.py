"""The topics that a connector's messages went to, as the REST API tells and forgets them."""

from sqlalchemy import text

from tests.worker_process import WorkerProcess, wait_until


def topics(worker, name="items"):
    answer = worker.request("GET", f"/connectors/{name}/topics")
    assert answer.status_code == 200
    assert list(answer.json()) == [name]
    return answer.json()[name]["topics"]


def test_topics_are_told_until_they_are_reset_or_the_connector_is_deleted(
    own_worker, config, items, mysql_engine, mysql_url
):
    worker, database = own_worker, mysql_engine.url.database
    with mysql_engine.begin() as connection:
        connection.execute(text("CREATE TABLE others (id INT PRIMARY KEY)"))
    worker.create("items", {**config, "table.include.list": f"{database}[.].*"})
    assert topics(worker) == []
    items_topic, others_topic = (f"{config['topic.prefix']}.{database}.{table}" for table in ("items", "others"))

    items("first")
    wait_until("the first topic", lambda: topics(worker) == [items_topic])
    with mysql_engine.begin() as connection:
        connection.execute(text("INSERT INTO others VALUES (1)"))
    wait_until("the second topic", lambda: topics(worker) == [items_topic, others_topic])

    worker.kill()
    worker.start()
    worker.wait_running("items")
    assert topics(worker) == [items_topic, others_topic]

    items("before the reset")
    answer = worker.request("PUT", "/connectors/items/topics/reset")
    assert (answer.status_code, answer.content) == (202, b"")
    items("after the reset")
    wait_until("the topic that is still used", lambda: topics(worker) == [items_topic])

    worker.request("DELETE", "/connectors/items")
    assert topics(worker) == []


def test_a_connector_that_there_is_not_has_no_topics(worker):
    assert topics(worker, "nobody") == []
    assert worker.request("PUT", "/connectors/nobody/topics/reset").status_code == 202


def test_tracking_and_its_reset_can_be_switched_off(tmp_path, kafka_bootstrap):
    for option, refused in (
        ("topic.tracking.enable", {"": "Topic tracking is disabled.", "/reset": "Topic tracking is disabled."}),
        ("topic.tracking.allow.reset", {"/reset": "Topic tracking reset is disabled."}),
    ):
        with WorkerProcess(tmp_path, kafka_bootstrap, **{option: "false"}) as worker:
            for path, message in refused.items():
                answer = worker.request("PUT" if path else "GET", f"/connectors/items/topics{path}")
                assert answer.status_code == 403
                assert answer.json() == {"error_code": 403, "message": message}
