"""The container's worker, as examples/compose runs it, on real servers."""

import json
import os
import socket
import subprocess
import uuid
from pathlib import Path

import httpx
import pytest
import yaml

from tests.topic import read_topic
from tests.worker_process import DEADLINE, wait_until

EXAMPLE = Path(__file__).parents[3] / "examples" / "compose"
USER = 10001


class Container:
    """A running container of the image; its state is in ``volume``."""

    def __init__(self, image, folder, volume, environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._image = image
        self._folder = folder
        self.volume = volume
        self.environment = {**environment, "CONNECT_LISTENERS": f"http://:{self.port}"}
        self.log = folder / "log"

    def __enter__(self):
        self._folder.mkdir()
        with self.log.open("wb") as log:
            self.process = self._image.run(
                [*self._image.entrypoint, *self._image.command],
                log,
                self.environment,
                self.volume,
            )
        wait_until("the worker's REST API", self._answers)
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        if error is not None:
            error.add_note(self.log.read_text()[-8000:])

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the container ended with status {self.process.returncode}:\n{self.log.read_text()}")
        try:
            return self.request("GET", "/").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def request(self, method, path, **options):
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", **options)

    def wait_running(self, name):
        def running():
            tasks = self.request("GET", f"/connectors/{name}/status").json()["tasks"]
            if tasks and tasks[0]["state"] == "FAILED":
                raise RuntimeError(tasks[0]["trace"])
            return tasks and tasks[0]["state"] == "RUNNING"

        wait_until(f"the task of {name} to run", running)

    def stop(self):
        """What an engine does: the exit status after SIGTERM."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def is_healthy(self):
        """The image's health check, run in the container."""
        check = [part.replace("8083", str(self.port)) for part in self._image.healthcheck]
        probe = self._image.run(check, subprocess.PIPE, self.environment)
        output, _ = probe.communicate()
        return probe.returncode == 0, output.decode()


@pytest.fixture
def volume(image, tmp_path):
    """A new volume, which takes over the owner and the mode of the image's folder, as an engine does."""
    folder = tmp_path / "volume"
    tell = image.run(["stat", "--format=%u %g %a", image.volumes[0]], subprocess.PIPE)
    owner, group, mode = tell.communicate()[0].split()
    folder.mkdir()
    os.chown(folder, int(owner), int(group))
    folder.chmod(int(mode, 8))
    return folder


@pytest.fixture
def scene(mysql_engine, mysql_url, kafka_bootstrap):
    """What the example's files say, for the test's own servers, database, user and topics."""
    database, own = mysql_engine.url.database, f"c{uuid.uuid4().hex[:10]}"
    statements = (EXAMPLE / "mysql.sql").read_text().replace("course", database).replace("cdc ", f"{own} ")
    statements = statements.replace("TO cdc;", f"TO {own};").replace("CREATE DATABASE", "CREATE DATABASE IF NOT EXISTS")
    with mysql_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.exec_driver_sql(statement)
        connector = json.loads((EXAMPLE / "outbox-connector.json").read_text())
        connector["config"] |= {
            "topic.prefix": own,
            "database.hostname": mysql_url.host,
            "database.port": str(mysql_url.port),
            "database.user": own,
            "database.server.id": str(uuid.uuid4().int % 2**31 + 1),
            "table.include.list": f"{database}.outbox",
        }
        compose = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())
        environment = {name: str(value) for name, value in compose["services"]["connect"]["environment"].items()}
        yield Scene(
            connection, connector, {**environment, "BOOTSTRAP_SERVERS": kafka_bootstrap}, f"{own}.{database}.outbox"
        )
        connection.exec_driver_sql(f"DROP USER {own}")


class Scene:
    def __init__(self, connection, connector, environment, topic):
        self._connection = connection
        self.connector = connector
        self.environment = environment
        self.topic = topic

    def publish(self, kind):
        self._connection.exec_driver_sql(
            "INSERT INTO outbox VALUES (UUID(), 'Course', '1', %s, '{\"posted\": true}', DEFAULT)", (kind,)
        )

    def events(self, count):
        """The types of the events that are in the topic, once there are so many."""
        broker = self.environment["BOOTSTRAP_SERVERS"]
        messages = read_topic(broker, self.topic, lambda messages: len(messages) >= count)
        return [json.loads(message.value())["payload"]["after"]["type"] for message in messages]


def test_the_example_delivers_and_survives_its_containers(image, tmp_path, volume, scene):
    with Container(image, tmp_path / "first", volume, scene.environment) as container:
        assert container.request("POST", "/connectors", json=scene.connector).status_code == 201
        container.wait_running("outbox-connector")
        scene.publish("CoursePosted")
        assert scene.events(1) == ["CoursePosted"]

        status = Path(f"/proc/{container.process.pid}/status").read_text()
        ids = {
            line.split(":")[0]: line.split()[1:]
            for line in status.splitlines()
            if line.startswith(("Uid", "Gid", "Cap"))
        }
        assert ids["Uid"] == ids["Gid"] == [str(USER)] * 4
        assert int(ids["CapEff"][0], 16) == 0
        state = volume / "state.db"
        assert (state.stat().st_uid, state.stat().st_mode & 0o777) == (USER, 0o600)
        assert container.is_healthy() == (True, "")
        assert container.stop() == 0
        assert container.is_healthy()[0] is False

    scene.publish("CourseUnposted")
    with Container(image, tmp_path / "second", volume, scene.environment) as container:
        container.wait_running("outbox-connector")
        assert scene.events(2) == ["CoursePosted", "CourseUnposted"]
        assert container.stop() == 0

    log = container.log.read_text()
    assert "cdc-password" not in log
    entries = [json.loads(line) for line in log.splitlines()]
    (taken,) = [entry for entry in entries if entry["event"] == "options are taken from the environment"]
    assert taken["variables"]["group.id"] == "GROUP_ID"
    (group,) = [entry for entry in entries if entry.get("option") == "group.id"]
    assert "standalone" in group["event"]
    assert "distributed mode comes in a later version" in group["event"]
    (started,) = [entry for entry in entries if entry["event"] == "worker started"]
    assert started["state_file"] == "/var/lib/headwater/state.db"


def test_the_worker_listens_where_the_image_is_reached(image):
    assert image.ports == ["8083"]
    assert image.environment["CONNECT_LISTENERS"] == "http://0.0.0.0:8083"
    assert image.volumes == [str(Path(image.environment["CONNECT_OFFSET_STORAGE_FILE_FILENAME"]).parent)]


def test_other_commands_run_too(image):
    version = image.run([*image.entrypoint, "version"], subprocess.PIPE)
    assert version.communicate()[0].startswith(b"headwater ")


def test_nothing_but_the_image_differs_from_debezium():
    ours = (EXAMPLE / "compose.yaml").read_text().splitlines()
    debezium = (EXAMPLE / "debezium.yaml").read_text().splitlines()
    assert len(ours) == len(debezium)
    assert [pair for pair in zip(ours, debezium, strict=True) if pair[0] != pair[1]] == [
        ("    image: headwater", "    image: quay.io/debezium/connect:3.6")
    ]
