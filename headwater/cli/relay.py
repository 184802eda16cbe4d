"""``headwater relay``: publishes what an outbox keeps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from headwater.cli.duration import DURATION, DURATION_OR_FOREVER
from headwater.cli.outbox import outbox_options

if TYPE_CHECKING:
    from headwater.relay import Relay
    from headwater.sink import Sink

STRING_CONVERTER = "org.apache.kafka.connect.storage.StringConverter"
CLIENT_ID = "headwater-relay"
DEFAULTS = {
    "bootstrap.servers": "localhost:9092",
    "key.converter": STRING_CONVERTER,
    "value.converter": STRING_CONVERTER,
    "header.converter": STRING_CONVERTER,
}
"""To a Kafka on this machine; a key is the aggregate's id, a value the payload's JSON, a header its text."""


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@outbox_options
@click.option(
    "--bootstrap-servers",
    envvar="BOOTSTRAP_SERVERS",
    show_envvar=True,
    metavar="HOST:PORT,…|local://PATH",
    help="Kafka brokers to start from, or a file of topics; over what FILE says.  [default: localhost:9092]",
)
@click.option(
    "--topic",
    default="outbox.event.${routedByValue}",
    show_default=True,
    help="Where events go: EventRouter's route.topic.replacement, the aggregate's type in place of ${routedByValue}.",
)
@click.option("--type-header", default="eventType", show_default=True, help="Header for the event's type; '' for none.")
@click.option(
    "--expand-json-payload",
    is_flag=True,
    help="Give the payload to value.converter as what its JSON describes, not as text: EventRouter's"
    " table.expand.json.payload. Avro and Protobuf need it.",
)
@click.option(
    "--on-failed",
    type=click.Choice(["hold", "continue"]),
    default="hold",
    show_default=True,
    help="Whether an event that FAILED holds those of its aggregate that follow, until `headwater outbox retry`.",
)
@click.option("--attempts", default=10, show_default=True, type=click.IntRange(1), help="Until an event is FAILED.")
@click.option(
    "--keep",
    default="7d",
    show_default=True,
    type=DURATION_OR_FOREVER,
    help="How long delivered events stay: 0s to delete them at once, or forever (see `headwater outbox prune`).",
)
@click.option("--batch", default=500, show_default=True, type=click.IntRange(1, 10_000), help="Events a claim takes.")
@click.option("--lease", default="30s", show_default=True, type=DURATION, help="After which a dead relay's go on.")
@click.option(
    "--poll",
    default="500ms",
    show_default=True,
    type=DURATION,
    help="The longest wait for new events where the database can't tell of them.",
)
def relay(
    file: Path | None,
    *,
    url: str,
    table: str,
    bootstrap_servers: str | None,
    topic: str,
    type_header: str,
    expand_json_payload: bool,
    on_failed: str,
    attempts: int,
    keep: float | None,
    batch: int,
    lease: float,
    poll: float,
) -> None:
    """Publish the events of an outbox to Kafka, or to a file of topics, until SIGTERM or Ctrl-C.

    FILE is a properties file with what a worker's has for delivery: producer.*, key.converter, value.converter,
    header.converter, topic.creation.*. Run as many relays as you like: each aggregate's events keep their order.
    """
    from headwater.config import ConfigError
    from headwater.logs import configure_logs
    from headwater.plugins import MissingExtraError
    from headwater.properties import PropertiesError, parse_properties
    from headwater.relay import FailurePolicy, Publisher, Relay
    from headwater.relay.queue import QueueError
    from headwater.relay.queues import open_queue
    from headwater.relay.relay import Pace
    from headwater.relay.routing import Routing
    from headwater.sink import SinkError

    if not lease or not poll:
        raise click.UsageError("--lease and --poll must be longer than nothing")
    configure_logs()
    try:
        properties = DEFAULTS | (parse_properties(file.read_bytes()) if file else {})
        if bootstrap_servers:
            properties["bootstrap.servers"] = bootstrap_servers
        # What blocks for longer than a lease may be published by another relay meanwhile.
        properties.setdefault("producer.max.block.ms", str(round(lease * 1000 / 2)))
        routing = Routing(**_converters(properties), topic=topic, type_header=type_header, expand=expand_json_payload)
        policy = FailurePolicy(attempts=attempts, hold=on_failed == "hold")
        publisher = Publisher(_sink_opener(properties), routing, policy)
        queue = open_queue(url, table, keep=keep != 0)
        pace = Pace(batch=batch, lease=lease, longest=poll, keep=keep or None)
        _run(Relay(queue, publisher, pace, hold=policy.hold))
    except PropertiesError as error:
        raise click.ClickException(f"{file}: {error}") from error
    except ConfigError as error:
        problems = "\n".join(f"  {problem.message}" for problem in error.problems)
        raise click.ClickException(f"The relay's configuration is invalid:\n{problems}") from error
    except (MissingExtraError, QueueError, SinkError) as error:
        raise click.ClickException(str(error)) from error


def _run(relay: Relay) -> None:
    """Until a signal; a second one ends the process at once."""

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        relay.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    relay.run()


def _converters(properties: Mapping[str, str]) -> dict[str, Any]:
    """The converters that the properties name, by the part of a message that each writes."""
    from headwater.config import ConfigError, Problem
    from headwater.plugins import UnknownPluginError, find_converter, find_header_converter

    made = {}
    for part, find in (("key", find_converter), ("value", find_converter), ("header", find_header_converter)):
        option = f"{part}.converter"
        own = {name.removeprefix(f"{option}."): v for name, v in properties.items() if name.startswith(f"{option}.")}
        try:
            made[part] = find(properties[option]).create(own, is_key=part == "key")
        except UnknownPluginError as error:
            raise ConfigError([Problem(option, f"{option}: {error}")]) from error
    return made


def _sink_opener(properties: Mapping[str, str]) -> Callable[[], Sink]:
    """Makes sinks at ``bootstrap.servers``. Raises `ConfigError` or `MissingExtraError` where none can be made."""
    from headwater.addresses import Address
    from headwater.plugins import MissingExtraError

    address = Address.of_sink(properties["bootstrap.servers"])
    try:
        module = address.module("headwater.sinks")
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error)) from error

    def make() -> Sink:
        if address.scheme == "kafka":
            settings = {**properties, "bootstrap.servers": address.place}
            return cast("Sink", module.KafkaSink.from_config(settings, settings, CLIENT_ID))
        return cast("Sink", module.create(address.place, CLIENT_ID, {}))

    make()
    return make
