"""MongoDB servers of a test's own, run from the program of the one that all tests share."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from tests.worker_process import wait_until
from tools.ports import free_port

DEADLINE_SECONDS = 60.0
NAME, USER, PASSWORD = "rs0", "root", "admin"
SETTINGS = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}
"""A fifth of the default: how soon the others take a member that is silent for gone, and elect a primary."""
STEP_DOWN_SECONDS = 3
"""How long a member that has stepped down is no candidate: longer than it takes to elect another one."""
ROLLBACK_SECONDS = 30
"""How long a rollback may take before the member is taken for hung."""

Client = MongoClient[dict[str, Any]]


class Mongod:
    """A server on a free port, for a ``with`` block; ``options`` are its command line's, ``program`` its path."""

    def __init__(self, program: str, folder: Path, *options: str) -> None:
        self.address = f"127.0.0.1:{(port := free_port())}"
        self.url = f"mongodb://{self.address}/"
        self._log = folder / "mongod.log"
        data = folder / "data"
        data.mkdir(parents=True)
        self._command = [
            program,
            *(f"--dbpath={data}", f"--port={port}", "--bind_ip=127.0.0.1", "--nounixsocket"),
            *("--wiredTigerCacheSizeGB=0.25", "--setParameter=shutdownTimeoutMillisForSignaledShutdown=0"),
            "--setParameter=diagnosticDataCollectionEnabled=false",
            *options,
        ]

    def start(self) -> None:
        """Start the process; comes back when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        with self.client() as client:
            client.admin.command("ping")

    def client(self, **credentials: str) -> Client:
        """A client of this server and no other, which waits for it to answer."""
        return MongoClient(self.address, directConnection=True, **credentials)

    def hello(self) -> dict[str, Any]:
        """What the server says of itself."""
        with self.client() as client:
            return client.admin.command("hello")

    def kill(self) -> None:
        """End the process as a crash does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Ask the process to end, and see to it that it does."""
        self._process.terminate()
        try:
            self._process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._process.poll() is not None:
            error.add_note(f"{self.address} has ended and wrote:\n{self._log.read_text()[-2000:]}")
        self.stop()


class ReplicaSet:
    """Servers that are a replica set, with authentication, for a ``with`` block; ``options`` are each server's.

    ``members`` has what each one's part of the set's configuration says beside its address.
    """

    def __init__(self, program: str, folder: Path, *options: str, members: Sequence[Mapping[str, Any]] = ({},)) -> None:
        key = folder / "key"
        key.write_text(base64.b64encode(secrets.token_bytes(96)).decode())
        key.chmod(0o600)
        of_set = (f"--replSet={NAME}", f"--keyFile={key}")
        self.members = [
            Mongod(program, folder / f"member{number}", *of_set, *options) for number in range(len(members))
        ]
        self._configuration = [
            {"_id": number, "host": self.members[number].address, **member} for number, member in enumerate(members)
        ]
        hosts = ",".join(member.address for member in self.members)
        self.url = f"mongodb://{USER}:{PASSWORD}@{hosts}/?replicaSet={NAME}"
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for member in self.members:
                starting.enter_context(member)
            with self.members[0].client() as client:
                configuration = {"_id": NAME, "members": self._configuration, "settings": SETTINGS}
                client.admin.command("replSetInitiate", configuration)
            self.wait_until_whole()
            with self.primary().client() as client:
                everywhere = {"w": len(self.members)}
                client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"], writeConcern=everywhere)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    def primary(self) -> Mongod:
        """The member that can be written to."""
        found: list[Mongod] = []

        def elected() -> bool:
            found[:] = self._primaries()
            return bool(found)

        wait_until("a primary", elected)
        return found[0]

    def wait_until_whole(self) -> None:
        """Until one member is the primary, and the others have what it has but for the latest.

        A member of MongoDB 6.0.5 may hang in a rollback for ever; started again it goes on.
        """
        what = "a primary, and secondaries that are in step"
        try:
            wait_until(what, lambda: not self._out_of_step(), ROLLBACK_SECONDS)
        except TimeoutError:
            for member in self._out_of_step():
                member.kill()
                member.start()
            wait_until(what, lambda: not self._out_of_step())

    def _out_of_step(self) -> list[Mongod]:
        """The members that are neither the one primary nor a secondary; all without a primary."""
        states = {member: member.hello() for member in self.members}
        if sum(state["isWritablePrimary"] for state in states.values()) != 1:
            return self.members
        return [member for member, state in states.items() if not state["isWritablePrimary"] and not state["secondary"]]

    def step_down(self) -> None:
        """Make the primary give way; comes back when another member has become it."""
        former = self.primary()
        with former.client(username=USER, password=PASSWORD) as client:

            def gives_way() -> bool:
                try:
                    client.admin.command("replSetStepDown", STEP_DOWN_SECONDS, secondaryCatchUpPeriodSecs=1)
                except OperationFailure:
                    return not former.hello()["isWritablePrimary"]  # no member has caught up, or it was voted out
                return True

            wait_until("the primary to give way", gives_way)
        self.primary()

    def crash(self, victims: Sequence[Mongod]) -> None:
        """Kill these members, then start them again; comes back when the replica set is whole."""
        for victim in victims:
            victim.kill()
        for victim in victims:
            victim.start()
        self.wait_until_whole()

    def _primaries(self) -> list[Mongod]:
        return [member for member in self.members if member.hello()["isWritablePrimary"]]
