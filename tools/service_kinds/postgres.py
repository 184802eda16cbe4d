"""PostgreSQL: Debian's package, unpacked into a folder of its own."""

import os
import shutil
import socket
import struct
from pathlib import Path

from service_kinds.debian import library_path, unpack
from service_kinds.service import HOST, Service, receive_exactly

USER, PASSWORD, DATABASE = "postgres", "admin", "course"
NOBODY = 65534
"""The server refuses to run as root, and so runs as this user then."""

SETTINGS = (
    "wal_level=logical",
    "max_connections=300",
    "max_wal_senders=10",
    # Tests kill Headwater, never the machine: what the operating system holds is safe enough.
    "fsync=off",
    "full_page_writes=off",
)

PROTOCOL_VERSION = 3 << 16
AUTHENTICATION = b"R"
"""A server that takes clients asks them to prove who they are; one that is starting answers with an error."""


class Postgres(Service):
    """PostgreSQL's own defaults, but for logical decoding and what a quick start asks for."""

    name = "postgres"
    default_port = 25432

    def install(self, target: Path) -> None:
        self.say("unpacking PostgreSQL from Debian (30 MB)")
        # Perl is for the scripts that manage clusters, ssl-cert for a certificate of the machine's.
        unpack(self, "postgresql", target, without=["perl", "libc6", "ssl-cert", "adduser", "ucf"])

    def initialise(self, data: Path) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(data, NOBODY, NOBODY)
        options = (f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8")
        self.run("initialising the data folder", [*self._program("initdb"), *options, "--locale=C", "-D", str(data)])
        password.unlink()
        database = self.folder / "database.sql"
        database.write_text(f"CREATE DATABASE {DATABASE};\n")
        server = " ".join((*self._program("postgres"), "--single", "-D", str(data), "postgres"))
        self.run("creating the database", ["sh", "-c", f"{server} < {database}"])
        database.unlink()

    def command(self) -> list[str]:
        settings = [f"--{setting}" for setting in SETTINGS]
        listener = (f"--listen_addresses={HOST}", f"--port={self.port}", f"--unix_socket_directories={self.data}")
        return [*self._program("postgres"), "-D", str(self.data), *listener, *settings]

    def ready(self, connection: socket.socket) -> bool:
        parameters = b"".join(text.encode() + b"\0" for text in ("user", USER, "database", DATABASE, ""))
        body = struct.pack(">i", PROTOCOL_VERSION) + parameters
        connection.sendall(struct.pack(">i", 4 + len(body)) + body)
        return receive_exactly(connection, 1) == AUTHENTICATION

    def address(self) -> str:
        return f"postgresql://{USER}:{PASSWORD}@{HOST}:{self.port}/{DATABASE}"

    def _program(self, name: str) -> list[str]:
        """A program of the server's; as root, run by another user who still may go wherever root may."""
        (folder,) = self.software.glob("usr/lib/postgresql/*/bin")
        variables = [f"{name}={value}" for name, value in library_path(self.software).items()]
        command = ["env", *variables, str(folder / name)]
        if os.geteuid() != 0:
            return command
        capability = "+dac_override"
        identity = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        return ["setpriv", *identity, f"--inh-caps={capability}", f"--ambient-caps={capability}", *command]
