"""A TCP proxy before a Kafka broker, to take the network away and give it back."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from confluent_kafka.admin import AdminClient


class KafkaProxy:
    """Stands before the only broker of a cluster, whose address in metadata it replaces by its own.

    Within a ``with`` block; `address` is what a client takes for ``bootstrap.servers``. The network starts `cut`
    with ``cut=True``.
    """

    def __init__(self, bootstrap: str, *, cut: bool = False) -> None:
        metadata = AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10)
        (broker,) = metadata.brokers.values()
        self._broker = (broker.host, broker.port)
        self._cut = cut
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"
        self._advertised = _endpoint(*self._broker), _endpoint("127.0.0.1", self._port)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, and every new one as soon as it is made."""
        with self._lock:
            self._cut = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._open.clear()

    def mend(self) -> None:
        """Let connections through again."""
        with self._lock:
            self._cut = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:
                    if self._cut:
                        client.close()
                        continue
                    broker = socket.create_connection(self._broker)
                    self._open += [client, broker]
                threading.Thread(target=self._requests, args=(client, broker), daemon=True).start()
                threading.Thread(target=self._responses, args=(broker, client), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                broker.sendall(data)

    def _responses(self, broker: socket.socket, client: socket.socket) -> None:
        real, ours = self._advertised
        with contextlib.suppress(OSError), broker.makefile("rb") as stream:
            while len(header := stream.read(4)) == 4:
                response = stream.read(*struct.unpack(">i", header)).replace(real, ours)
                client.sendall(struct.pack(">i", len(response)) + response)


def _endpoint(host: str, port: int) -> bytes:
    """A host and a port as a metadata response holds them: COMPACT_STRING, INT32 (for hosts under 127 bytes)."""
    return bytes([len(host) + 1]) + host.encode() + struct.pack(">i", port)
