"""MariaDB: Debian's package, unpacked into a folder of its own."""

import os
import socket
from pathlib import Path

from service_kinds.debian import library_path, unpack
from service_kinds.mysql import PROTOCOL_VERSION
from service_kinds.service import HOST, Service, receive_exactly

SYSTEM_TABLES = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data")
ACCOUNTS = """\
DELETE FROM mysql.global_priv WHERE Host <> 'localhost';
FLUSH PRIVILEGES;
ALTER USER 'root'@'localhost' IDENTIFIED BY 'admin';
CREATE USER 'root'@'%' IDENTIFIED BY 'admin';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;
CREATE DATABASE course;
"""

SETTINGS = (
    "--character-set-server=utf8mb4",
    "--max-allowed-packet=256M",
    "--max-connections=500",
    "--skip-name-resolve",
    # Tests kill Headwater, never the machine: what the operating system holds is safe enough.
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--innodb-buffer-pool-size=256M",
)


class MariaDB(Service):
    """MariaDB's own defaults, but for what a quick start asks for."""

    name = "mariadb"
    default_port = 23406

    def install(self, target: Path) -> None:
        self.say("unpacking MariaDB from Debian (20 MB)")
        # Only scripts that are not run here are written in Perl.
        unpack(self, "mariadb-server-core", target, without=["perl", "libc6"])

    def initialise(self, data: Path) -> None:
        """What mariadb-install-db does; that script wants programs of other packages."""
        scripts = self.software / "usr" / "share" / "mysql"
        statements = self.folder / "initialise.sql"
        statements.write_text(
            "\n".join(
                (
                    "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;",
                    *((scripts / f"{name}.sql").read_text() for name in SYSTEM_TABLES),
                    ACCOUNTS,
                )
            )
        )
        command = " ".join((*self._server(data), "--bootstrap"))
        self.run("initialising the data folder", ["sh", "-c", f"{command} < {statements}"])
        statements.unlink()

    def command(self) -> list[str]:
        listener = (f"--bind-address={HOST}", f"--port={self.port}", "--socket=mariadb.sock")
        return [*self._server(self.data), *listener, *SETTINGS]

    def ready(self, connection: socket.socket) -> bool:
        """A greeting comes first, as MySQL's."""
        header = receive_exactly(connection, 5)
        return header[4] == PROTOCOL_VERSION

    def address(self) -> str:
        return f"mariadb://root:admin@{HOST}:{self.port}/course"

    def _server(self, data: Path) -> list[str]:
        usr = self.software / "usr"
        return [
            "env",
            *(f"{name}={value}" for name, value in library_path(self.software).items()),
            str(usr / "sbin" / "mariadbd"),
            "--no-defaults",
            f"--basedir={usr}",
            f"--plugin-dir={usr / 'lib' / 'mysql' / 'plugin'}",
            f"--datadir={data}",
            *(["--user=root"] if os.geteuid() == 0 else []),  # as root the server insists on being told
        ]
