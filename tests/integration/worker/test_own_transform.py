"""A transform of the user's own, in a file under the worker's ``plugin.path``."""

import json

import pytest

from tests.topic import read_topic
from tests.worker_process import WorkerProcess

SOURCE = """
from dataclasses import replace


def transform(record):
    return record and replace(record, value={{**record.value, "after": {{**record.value["after"], "name": {name!r}}}}})
"""


@pytest.fixture
def own_transform(tmp_path):
    """Writes the file: from now on it calls every row by a name."""
    folder = tmp_path / "plugins"
    folder.mkdir()

    def write(name):
        (folder / "hide_name.py").write_text(SOURCE.format(name=name))
        return folder

    return write


def test_a_file_is_taken_as_it_stands_when_the_task_starts(
    own_transform, tmp_path, config, items, topic, kafka_bootstrap
):
    def names(count):
        messages = read_topic(kafka_bootstrap, topic, lambda found: len(found) >= count)
        return [json.loads(message.value())["after"]["name"] for message in messages]

    config |= {"transforms": "mine", "transforms.mine.type": "hide_name"}
    with WorkerProcess(tmp_path, kafka_bootstrap, **{"plugin.path": str(own_transform("***"))}) as worker:
        worker.create("c", config)
        items("Anna")
        assert names(1) == ["***"]
        own_transform("somebody")
        items("Berta")
        assert names(2) == ["***", "***"]
        assert worker.request("POST", "/connectors/c/restart?includeTasks=true").is_success
        worker.wait_running("c")
        items("Clara")
        assert names(3) == ["***", "***", "somebody"]
