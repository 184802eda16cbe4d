"""The limits: what is left when everything but the unavoidable is taken away. Run as a process of its own.

python -m bench.engines.limits mysql PROGRESS FILE POSITION EVENTS ROWS         read the log, split packets
python -m bench.engines.limits mongodb PROGRESS SECONDS INCREMENT EVENTS ROWS   read the change stream from that time
python -m bench.engines.limits produce PROGRESS TOPIC EVENTS BYTES              produce() messages of that size
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

from bson.codec_options import CodecOptions
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from confluent_kafka import KafkaError, Producer

from bench.progress import Progress
from bench.servers.mongodb import MongoDbServer
from bench.servers.mysql import MySqlServer
from bench.workloads.mongodb import COLLECTION
from headwater.sinks.kafka.producer_config import ProducerConfig
from headwater.sources.mysql.binlog import COM_BINLOG_DUMP
from headwater.sources.mysql.connection import send_command, socket_of

RECEIVE_BYTES = 1 << 20
SERVER_ID = 99103
WRITE_ROWS = 30
XID = 16
BATCH_EVENTS = 16384


def read_mysql(progress: Progress, file: str, position: int, events: int, rows: int) -> None:
    """``recv`` into one buffer and step from packet to packet; a transaction's end stands for its rows."""
    with MySqlServer() as server:
        server.execute("SET @source_binlog_checksum = @@GLOBAL.binlog_checksum")
        connection = server.connection
        send_command(connection, COM_BINLOG_DUMP, struct.pack("<IHI", position, 0, SERVER_ID) + file.encode())
        stream = socket_of(connection)
        cells, rest, seen = progress.cells, b"", 0
        while seen < events:
            buffer = rest + stream.recv(RECEIVE_BYTES)
            place, size = 0, len(buffer)
            while place + 4 <= size:
                end = place + 4 + (buffer[place] | buffer[place + 1] << 8 | buffer[place + 2] << 16)
                if end > size:
                    break
                if buffer[place + 9] == XID:
                    seen += rows
                place = end
            rest = buffer[place:]
            cells[0] = min(seen, events)


def read_mongodb(progress: Progress, seconds: int, increment: int, events: int) -> None:
    """``getMore`` on the collection's change stream, each event left as the bytes that it came in."""
    start = {"startAtOperationTime": Timestamp(seconds, increment)}
    with MongoDbServer() as server:
        command = server.database.command
        opened = command("aggregate", COLLECTION, pipeline=[{"$changeStream": start}], cursor={"batchSize": 0})
        cursor = Int64(opened["cursor"]["id"])
        raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
        cells, seen = progress.cells, 0
        while seen < events:
            reply = command("getMore", cursor, collection=COLLECTION, batchSize=BATCH_EVENTS, codec_options=raw)
            seen += len(reply["cursor"]["nextBatch"])
            cells[0] = seen


ROOM = 30_000
"""Messages under way at most: 1 KB each, they stay below the 32 MiB that `ProducerConfig` sets by default."""


def produce(progress: Progress, topic: str, events: int, size: int) -> None:
    """One message after the other into librdkafka's queue, to the end of their delivery."""
    producer = bare_producer()
    send, value, key, cells = producer.produce, b"x" * size, b"k" * 40, progress.cells
    for number in range(events):
        while len(producer) >= ROOM:
            producer.poll(0.01)
        send(topic, value, key)
        if number % 100 == 0:
            producer.poll(0)
            cells[0] = number
    producer.flush()
    cells[0] = events


def bare_producer() -> Producer:
    """A producer with the settings of Headwater's."""
    servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    settings = ProducerConfig.from_config({"bootstrap.servers": servers}, {}, "limit").settings
    return Producer({**settings, "on_delivery": _stop}, logger=None)


def _stop(error: KafkaError, _: object) -> None:
    """Only failures are reported."""
    raise SystemExit(error.str())


def main() -> None:
    """See the module."""
    what, file, *rest = sys.argv[1:]
    progress = Progress(Path(file))
    match what, *rest:
        case "mysql", log_file, position, events, rows:
            read_mysql(progress, log_file, int(position), int(events), int(rows))
        case "mongodb", seconds, increment, events, _:
            read_mongodb(progress, int(seconds), int(increment), int(events))
        case "produce", topic, events, size:
            produce(progress, topic, int(events), int(size))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
