"""MySQL 9: Debian has it only in its unstable suite, so it is unpacked and run through its own loader."""

import os
import socket
from pathlib import Path

from service_kinds.debian import unpack
from service_kinds.service import HOST, Service, receive_exactly

PROTOCOL_VERSION = 10
"""First byte of a server's greeting (MySQL client/server protocol, Protocol::HandshakeV10)."""

ACCOUNTS = """\
ALTER USER 'root'@'localhost' IDENTIFIED BY 'admin';
CREATE USER 'root'@'%' IDENTIFIED BY 'admin';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;
CREATE USER 'mysqluser'@'%' IDENTIFIED BY 'mysqlpw';
GRANT ALL PRIVILEGES ON *.* TO 'mysqluser'@'%';
CREATE DATABASE course;
"""

SETTINGS = (
    "--server-id=1",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--character-set-server=utf8mb4",
    "--local-infile=ON",
    "--max-allowed-packet=256M",
    "--max-connections=500",
    "--skip-name-resolve",
    "--mysqlx=OFF",
    # Tests kill Headwater, never the machine: what the operating system holds is safe enough.
    "--innodb-flush-log-at-trx-commit=0",
    "--sync-binlog=0",
    "--innodb-doublewrite=OFF",
    "--innodb-buffer-pool-size=256M",
)


class MySQL(Service):
    """The binlog keeps MySQL's defaults, row format, full images and minimal metadata, but for GTIDs.

    A test that wants `binlog_row_metadata=FULL` says SET GLOBAL.
    """

    name = "mysql"
    default_port = 23306

    def install(self, target: Path) -> None:
        self.say("installing MySQL 9 from Debian's unstable suite (50 MB)")
        # Only scripts beside the server are written in Perl.
        unpack(self, "mysql-server-core", target, suite="sid", without=["perl"])

    def initialise(self, data: Path) -> None:
        accounts = self.home / "accounts.sql"
        accounts.write_text(ACCOUNTS)
        command = [*self._server(data), "--initialize-insecure", f"--init-file={accounts}"]
        self.run("initialising the data folder", command)
        accounts.unlink()

    def command(self) -> list[str]:
        listener = (f"--bind-address={HOST}", f"--port={self.port}", "--socket=mysql.sock")
        return [*self._server(self.data), *listener, *SETTINGS]

    def ready(self, connection: socket.socket) -> bool:
        """A greeting comes first; in its place an error says why none can be served."""
        header = receive_exactly(connection, 5)
        return header[4] == PROTOCOL_VERSION

    def address(self) -> str:
        return f"mysql://root:admin@{HOST}:{self.port}/course"

    def _server(self, data: Path) -> list[str]:
        usr = self.software / "usr"
        loader = next(usr.glob("lib/*-linux-gnu/ld-linux-*.so.*"))
        return [
            *(str(loader), "--library-path", str(loader.parent), str(usr / "sbin" / "mysqld")),
            "--no-defaults",
            f"--basedir={usr}",
            f"--plugin-dir={usr / 'lib' / 'mysql' / 'plugin'}",
            f"--lc-messages-dir={usr / 'share' / 'mysql'}",
            f"--character-sets-dir={usr / 'share' / 'mysql' / 'charsets'}",
            f"--datadir={data}",
            "--secure-file-priv=NULL",  # Debian's default names a folder that only its own package makes
            *(["--user=root"] if os.geteuid() == 0 else []),  # as root mysqld insists on being told
        ]
