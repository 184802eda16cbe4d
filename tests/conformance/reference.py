"""Debezium, the converters of Kafka Connect and Confluent, and Kafka's partitioner, as the conformance tests ask them.

Each class here drives one Java process running ``Reference.java`` against Debezium's jars. The jars' folder is
``HEADWATER_DEBEZIUM_JARS``; without it ``tools/services jars debezium`` fetches them and prints the folder. The same
holds for Kafka Connect's jars, ``HEADWATER_CONNECT_JARS`` and ``tools/services jars connect``, and for Google's types.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from headwater.record import DECIMAL, Record, Schema
from tests.conformance.event import Event

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
# Enough for a cold start on a loaded machine; a hang fails with what the process last said.
DEADLINE = 120.0


class ReferenceFailedError(RuntimeError):
    """The reference could not be started or broke; the message ends with its standard error."""


class ConversionError(Exception):
    """Connect's converter refused a value; ``kind`` is the Java exception's class."""

    def __init__(self, kind: str, message: str | None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


@functools.cache
def jars() -> Path:
    """The folder of Debezium's jars (with Kafka Connect's and Kafka's among them)."""
    return _jars("debezium", "debezium-embedded")


@functools.cache
def connect_jars() -> Path:
    """The folder of a Kafka Connect worker's jars, without any connector."""
    return _jars("connect", "connect-runtime")


@functools.cache
def google_types_jars() -> Path:
    """The folder of Protobuf types that ProtobufConverter needs newer than Debezium's jars have them."""
    return _jars("google-types", "proto-google-common-protos")


def _jars(name: str, main: str) -> Path:
    variable = f"HEADWATER_{name.upper().replace('-', '_')}_JARS"
    folder = os.environ.get(variable)
    if folder is None:
        command = [str(REPOSITORY / "tools" / "services"), "jars", name]
        folder = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if not any(Path(folder).glob(f"{main}-*.jar")):
        raise ReferenceFailedError(f"{variable}: no {main} jar in {folder}")
    return Path(folder)


@functools.cache
def classes() -> Path:
    """The folder of the compiled ``Reference.java``, compiled once per content of it and of this file."""
    source = HERE / "Reference.java"
    digest = hashlib.sha256(source.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:16]
    compiled = REPOSITORY / "build" / "reference" / digest
    if not compiled.exists():
        compiled.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=compiled.parent))
        subprocess.run(["javac", "-cp", f"{jars()}/*", "-d", str(fresh), str(source)], check=True)
        services = fresh / "META-INF" / "services"
        services.mkdir(parents=True)
        (services / "io.debezium.pipeline.notification.channels.NotificationChannel").write_text(
            "Reference$SnapshotEnd\n"
        )
        try:
            fresh.rename(compiled)
        except OSError:  # another test process was quicker
            shutil.rmtree(fresh)
    return compiled


class _Process:
    """One ``Reference`` process: lines of JSON in, lines of JSON out, standard error kept for messages."""

    def __init__(self, mode: str, *before: Path) -> None:
        """``before``: folders of jars that come before Debezium's."""
        path = ":".join(map(str, (classes(), *(folder / "*" for folder in before), jars() / "*")))
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [
                "java",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dorg.apache.logging.log4j.level=WARN",
                "-cp",
                path,
                "Reference",
                mode,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        self.mode = mode

    def send(self, document: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(document).encode() + b"\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any] | None:
        """The next line, or None when the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self) -> None:
        self.end_input()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._stderr.close()

    def broken(self, what: str) -> ReferenceFailedError:
        self._stderr.seek(0)
        return ReferenceFailedError(f"{self.mode}: {what}\n{self._stderr.read().decode(errors='replace')[-4000:]}")


@dataclass(frozen=True, slots=True)
class ReferenceRecord(Event):
    """A source record as Kafka Connect would hand it to the producer."""

    partition: int | None
    timestamp: int | None
    source_partition: dict[str, Any]
    source_offset: dict[str, Any]

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> ReferenceRecord:
        return cls(
            topic=line["topic"],
            partition=line["partition"],
            timestamp=line["timestamp"],
            key=_bytes(line["key"]),
            value=_bytes(line["value"]),
            headers=tuple((name, _bytes(value)) for name, value in line["headers"]),
            source_partition=line["source_partition"],
            source_offset=line["source_offset"],
        )


class Engine:
    """One run of a connector in Debezium's embedded engine.

        with Engine(config) as engine:
            snapshot = engine.until_streaming()
            ...change rows...
            events = engine.until(lambda record: record.topic.endswith(".fence"))

    ``config`` is the connector's, with ``key.converter.*`` and ``value.converter.*`` for JsonConverter. Offsets and
    schema history are kept in ``state`` (a folder) so that a later run resumes; without it in memory.
    """

    def __init__(self, config: Mapping[str, str], state: Path | None = None) -> None:
        self.config = {"name": "reference", **_storage(state), **config}
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._process = _Process("engine")
        self._process.send(self.config)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()
        self._reader.join()

    def until_streaming(self, deadline: float = DEADLINE) -> list[ReferenceRecord]:
        """All records up to the end of the snapshot; on return the connector reads the log."""
        records, state = self._collect(lambda _: False, deadline)
        if state != "streaming":
            raise self._process.broken(f"stopped before streaming: {state}")
        return records

    def until(self, last: Callable[[ReferenceRecord], bool], deadline: float = DEADLINE) -> list[ReferenceRecord]:
        """The next records up to and including the first for which ``last`` is true."""
        records, state = self._collect(last, deadline)
        if state is not None:
            raise self._process.broken(f"{state} after {len(records)} records, before the awaited one")
        return records

    def take(self, count: int, deadline: float = DEADLINE) -> list[ReferenceRecord]:
        """The next ``count`` records."""
        left = iter(range(count - 1, -1, -1))
        return self.until(lambda _: next(left) == 0, deadline)

    def stop(self) -> list[ReferenceRecord]:
        """Stop the connector (its offsets are stored) and return the records that still came out."""
        self._process.end_input()
        records, state = self._collect(lambda _: False, DEADLINE)
        if state == "streaming":
            rest, state = self._collect(lambda _: False, DEADLINE)
            records += rest
        if state != "stopped":
            raise self._process.broken(f"did not stop: {state}")
        return records

    def failure(self, deadline: float = DEADLINE) -> str:
        """Wait for the connector to fail; the Java stack trace."""
        while (state := self._collect(lambda _: False, deadline)[1]) == "streaming":
            pass
        if state is None or not state.startswith("failed"):
            raise self._process.broken(f"did not fail: {state}")
        return state

    def _read(self) -> None:
        while (line := self._process.receive()) is not None:
            self._lines.put(line)
        self._lines.put(None)

    def _collect(
        self, last: Callable[[ReferenceRecord], bool], deadline: float
    ) -> tuple[list[ReferenceRecord], str | None]:
        """Records until ``last`` (state None) or until the engine's next change of state."""
        records: list[ReferenceRecord] = []
        end = time.monotonic() + deadline
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise self._process.broken(f"nothing more in {deadline} s after {len(records)} records") from None
            if line is None:
                raise self._process.broken(f"ended after {len(records)} records")
            if "record" not in line:
                trace = line.get("trace")
                return records, line["state"] if trace is None else f"failed: {line['message']}\n{trace}"
            record = ReferenceRecord.from_json(line["record"])
            records.append(record)
            if last(record):
                return records, None


def _storage(state: Path | None) -> dict[str, str]:
    if state is None:
        return {
            "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
            "schema.history.internal": "io.debezium.relational.history.MemorySchemaHistory",
        }
    return {
        "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
        "offset.storage.file.filename": str(state / "offsets"),
        "offset.flush.interval.ms": "0",
        "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
        "schema.history.internal.file.filename": str(state / "history"),
    }


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with its Java type said outright, where the schema's own would not do: ``Tagged("int8", 5)``.

    Tags: int8, int16, int32, int64, float32, float64, boolean, string, bytes, decimal (unscaled), date (the
    milliseconds of a java.util.Date), array, map.
    """

    tag: str
    value: object


_DAY_MILLISECONDS = 86_400_000
_JAVA_DATES = {
    "org.apache.kafka.connect.data.Date": _DAY_MILLISECONDS,
    "org.apache.kafka.connect.data.Time": 1,
    "org.apache.kafka.connect.data.Timestamp": 1,
}
_JAVA_FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_NATURAL_TAGS: dict[type, str] = {
    bool: "boolean",
    int: "int64",
    float: "float64",
    str: "string",
    bytes: "bytes",
    list: "array",
    dict: "map",
}


def _schema_json(schema: Schema | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    return {
        "type": schema.type.name,
        "optional": schema.optional,
        "name": schema.name,
        "version": schema.version,
        "doc": schema.doc,
        "parameters": dict(schema.parameters),
        "default": _value_json(schema, schema.default),
        "fields": [(field.name, _schema_json(field.schema)) for field in schema.fields],
        "keys": _schema_json(schema.key_schema),
        "values": _schema_json(schema.value_schema),
    }


def _value_json(schema: Schema | None, value: Any) -> tuple[str, Any] | None:
    """``value`` as Reference.java reads it: None or ``(tag, content)``, the tag naming the Java type."""
    if value is None:
        return None
    tag, value = _tagged(schema, value)
    keys = None if schema is None else schema.key_schema
    values = None if schema is None else schema.value_schema
    match tag:
        case "boolean":
            return tag, value
        case "bytes":
            return tag, base64.b64encode(value).decode()
        case "float32" | "float64":
            return tag, _JAVA_FLOATS.get(str(value), str(value))
        case "array":
            return tag, [_value_json(values, item) for item in value]
        case "map":
            return tag, [(_value_json(keys, key), _value_json(values, item)) for key, item in value.items()]
        case "struct":
            assert schema is not None
            return tag, [_value_json(field.schema, value.get(field.name)) for field in schema.fields]
        case _:
            return tag, str(value)


def _tagged(schema: Schema | None, value: Any) -> tuple[str, Any]:
    if isinstance(value, Tagged):
        return value.tag, value.value
    if schema is None:
        return _NATURAL_TAGS[type(value)], value
    if schema.name in _JAVA_DATES:
        return "date", value * _JAVA_DATES[schema.name]
    if schema.name == DECIMAL:
        return "decimal", value
    return schema.type.name.lower(), value


class _Asked:
    """A process that answers one line with one line, in a ``with`` block."""

    mode: str

    def __enter__(self) -> Self:
        self._process = self._start()
        return self

    def _start(self) -> _Process:
        return _Process(self.mode)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self._process.send(question)
        answer = self._process.receive()
        if answer is None:
            raise self._process.broken("ended")
        if "error" in answer:
            raise ConversionError(answer["error"], answer["message"])
        return answer


class ConverterReference(_Asked):
    """A converter of Kafka Connect's or Debezium's: the exact bytes of ``fromConnectData``."""

    mode = "converter"

    def __init__(self, class_name: str) -> None:
        self._class = class_name

    def from_connect_data(
        self, schema: Schema | None, value: Any, config: Mapping[str, str] | None = None
    ) -> bytes | None:
        """What Connect writes for a Connect value (as `headwater.record` holds it, or `Tagged` at any depth).

        ``config``: schemas.enable, decimal.format, replace.null.with.default, as strings. Without a schema an int
        is a Long and a float a Double. Defaults of structs can't be sent. Raises `ConversionError` where Java
        raises: at building the schema or the value, or at converting.
        """
        question = {
            "class": self._class,
            "config": dict(config or {}),
            "topic": "topic",
            "schema": _schema_json(schema),
            "value": _value_json(schema, value),
        }
        return _bytes(self._ask(question)["bytes"])


class JsonConverterReference(ConverterReference):
    """Kafka Connect's JsonConverter."""

    def __init__(self) -> None:
        super().__init__("org.apache.kafka.connect.json.JsonConverter")


class Written(NamedTuple):
    """What Confluent's converter made of a value: the message, and the schema under its subject, if it came to that."""

    message: bytes | None
    subject: str | None
    schema: str | None


class _ConfluentReference(_Asked):
    """A converter of Confluent's with a registry of its own for each value, so that the first schema has the id 1."""

    def from_connect_data(
        self,
        schema: Schema | None,
        value: Any,
        config: Mapping[str, str] | None = None,
        *,
        is_key: bool = False,
        registered: Mapping[str, str] | None = None,
    ) -> Written:
        """As `ConverterReference.from_connect_data`; ``registered`` holds schemas that are there, by subject."""
        question = {
            "config": dict(config or {}),
            "topic": "topic",
            "key": is_key,
            "schema": _schema_json(schema),
            "value": _value_json(schema, value),
            "registered": dict(registered or {}),
        }
        answer = self._ask(question)
        return Written(_bytes(answer["bytes"]), answer.get("subject"), answer.get("text"))


class AvroConverterReference(_ConfluentReference):
    """Confluent's AvroConverter."""

    mode = "avro-converter"


class ProtobufConverterReference(_ConfluentReference):
    """Confluent's ProtobufConverter."""

    mode = "protobuf-converter"

    def _start(self) -> _Process:
        return _Process(self.mode, google_types_jars())


class CloudEventsReference(_Asked):
    """Debezium's CloudEventsConverter, whose Avro converter has a registry of its own for each value."""

    mode = "cloud-events"

    def from_connect_data(
        self, schema: Schema, value: Any, config: Mapping[str, str]
    ) -> tuple[bytes | None, dict[str, str]]:
        """The message, and the schemas that were registered, by subject; see `ConverterReference`."""
        question = {
            "config": dict(config),
            "topic": "topic",
            "schema": _schema_json(schema),
            "value": _value_json(schema, value),
        }
        answer = self._ask(question)
        return _bytes(answer["bytes"]), answer["schemas"]


class PartitionerReference(_Asked):
    """The Kafka producer's built-in partitioner, for records with a key."""

    mode = "partitioner"

    def partition(self, key: bytes, partitions: int) -> int:
        return int(self._ask({"key": key.hex(), "partitions": partitions})["partition"])


class ExtendedJsonReference(_Asked):
    """The extended JSON of Debezium's MongoDB connector."""

    mode = "extended-json"

    def texts(self, document: bytes) -> dict[str, str]:
        """By `headwater.sources.mongodb.extended_json.Form`: the document, and its ``_id`` as key.

        Raises `ConversionError` where the driver can't read the document.
        """
        return self._ask({"document": base64.b64encode(document).decode()})


@dataclass(frozen=True, slots=True)
class Transformed:
    """A record behind its transforms: keys, values and headers in JSON with their schemas."""

    topic: str | None
    partition: int | None
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


class TransformsReference(_Asked):
    """Kafka Connect's and Debezium's transforms and predicates."""

    mode = "transforms"

    def apply(self, config: Mapping[str, str], record: Record) -> Transformed | None:
        """What the transforms of a connector's configuration make of a record; None where they drop it.

        Raises `ConversionError` where they raise.
        """
        question = {
            "topic": record.topic,
            "partition": record.partition,
            "timestamp": record.timestamp,
            "key_schema": _schema_json(record.key_schema),
            "key": _value_json(record.key_schema, record.key),
            "value_schema": _schema_json(record.value_schema),
            "value": _value_json(record.value_schema, record.value),
            "headers": [(h.name, _schema_json(h.schema), _value_json(h.schema, h.value)) for h in record.headers],
        }
        answer = self._ask({"config": dict(config), "record": question})["record"]
        if answer is None:
            return None
        return Transformed(
            topic=answer["topic"],
            partition=answer["partition"],
            timestamp=answer["timestamp"],
            key=_bytes(answer["key"]),
            value=_bytes(answer["value"]),
            headers=tuple((name, _bytes(value)) for name, value in answer["headers"]),
        )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
