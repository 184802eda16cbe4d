"""Puts a task's pipeline together from the worker's and the connector's configuration."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from headwater.addresses import Address
from headwater.config import Config, ConfigDef, ConfigError, Problem
from headwater.converter import Converter
from headwater.meter import Meter
from headwater.pipeline import Pipeline
from headwater.plan import Converters
from headwater.plugins import (
    ConverterModule,
    MissingExtraError,
    UnknownPluginError,
    find_converter,
    find_header_converter,
)
from headwater.sink import Sink, Topic
from headwater.store import TaskStore
from headwater.tolerance import DeadLetters, Tolerance, Unreadable
from headwater.worker.connector_config import ConnectorConfig
from headwater.worker.option_names import NameResolver, OptionWarning, unknown_option
from headwater.worker.transforms import build_chain
from headwater.worker.worker_config import WorkerConfig

_FINDERS: Mapping[str, Callable[[str], ConverterModule]] = {
    "key.converter": find_converter,
    "value.converter": find_converter,
    "header.converter": find_header_converter,
}


def build_pipeline(
    worker: WorkerConfig,
    connector: ConnectorConfig,
    task: int,
    store: TaskStore,
    meter: Meter,
    *,
    on_running: Callable[[], None],
    on_waiting: Callable[[str], None],
    stopping: Callable[[], bool],
    topics_reset: threading.Event,
) -> Pipeline:
    """The pipeline of one task. Raises `ConfigError`."""
    return Pipeline(
        lambda: connector.connector.open(connector.options),
        lambda: build_sink(worker, connector, task),
        build_chain(connector.values),
        build_converters(worker, connector),
        build_tolerance(connector, task),
        store,
        meter,
        commit_seconds=worker.flush_seconds,
        retry=connector.retry,
        on_running=on_running,
        on_waiting=on_waiting,
        stopping=stopping,
        topics_reset=topics_reset,
    )


def build_sink(worker: WorkerConfig, connector: ConnectorConfig, task: int) -> Sink:
    """The sink of one task, by ``bootstrap.servers``; connects in `Sink.open`.

    Raises `ConfigError` or `MissingExtraError`.
    """
    dead_letters = _dead_letter_topic(connector.options)
    topics = [dead_letters] if dead_letters else []
    return _build_sink(worker, connector.values, f"connector-producer-{connector.name}-{task}", topics)


def sink_address(worker: WorkerConfig, values: Mapping[str, str]) -> Address:
    """Where a connector's messages go."""
    return Address.of_sink(values.get("producer.override.bootstrap.servers") or worker.values["bootstrap.servers"])


def _build_sink(worker: WorkerConfig, values: Mapping[str, str], client_id: str, topics: Sequence[Topic] = ()) -> Sink:
    address = sink_address(worker, values)
    if address.scheme != "kafka":
        return cast("Sink", address.module("headwater.sinks").create(address.place, client_id, {}))
    try:
        from headwater.sinks.kafka import KafkaSink
    except ModuleNotFoundError as error:
        if error.name != "confluent_kafka":
            raise
        raise MissingExtraError(
            "delivery to Kafka needs the Python package 'confluent_kafka': pip install 'headwater[kafka]'"
        ) from error
    return KafkaSink.from_config(worker.values, values, client_id, topics)


def build_converters(worker: WorkerConfig, connector: ConnectorConfig) -> Converters:
    """The connector's converters, the worker's where it names none. Raises `ConfigError`."""
    return Converters(
        key=_build_converter(worker, connector.values, "key.converter"),
        value=_build_converter(worker, connector.values, "value.converter"),
        header=_build_converter(worker, connector.values, "header.converter"),
    )


def build_tolerance(connector: ConnectorConfig, task: int) -> Tolerance:
    """What becomes of messages of one task that can't be made."""
    options = connector.options
    return Tolerance(
        unreadable=Unreadable(options["event.converting.failure.handling.mode"].lower()),
        messages=_tolerates(options),
        dead_letters=_dead_letters(connector, task),
        log_each=options["errors.log.enable"],
        log_contents=options["errors.log.include.messages"],
    )


def _dead_letters(connector: ConnectorConfig, task: int) -> DeadLetters | None:
    topic = _dead_letter_topic(connector.options)
    if topic is None:
        return None
    return DeadLetters(
        topic.name,
        find_converter("json").create({"schemas.enable": "false"}, is_key=False),
        connector.name,
        task,
        context_headers=connector.options["errors.deadletterqueue.context.headers.enable"],
    )


def _tolerates(options: Config) -> bool:
    return bool(options["errors.tolerance"].lower() == "all")


def _dead_letter_topic(options: Config) -> Topic | None:
    """The dead letter topic, with one partition as Kafka Connect makes it; None where there are no dead letters."""
    name = options["errors.deadletterqueue.topic.name"].strip()
    if not name or not _tolerates(options):
        return None
    return Topic(name, 1, options["errors.deadletterqueue.topic.replication.factor"])


def check_worker(worker: WorkerConfig) -> None:
    """Find mistakes in what the worker's configuration says for all connectors.

    Raises `ConfigError` with all problems at once, or `MissingExtraError`.
    """
    problems = find_problems(worker, {})
    if problems:
        with worker.references.redact.of_errors():
            raise ConfigError(problems)


def find_problems(worker: WorkerConfig, connector: Mapping[str, str]) -> list[Problem]:
    """Build what can be built of a connector without connecting, to find mistakes early: those of all parts.

    Raises `MissingExtraError`.
    """
    builds: list[Callable[[], object]] = [partial(_build_converter, worker, connector, option) for option in _FINDERS]
    builds.append(partial(build_chain, connector))
    builds.append(partial(_build_sink, worker, connector, "check"))
    problems: list[Problem] = []
    for build in builds:
        try:
            build()
        except ConfigError as error:
            problems.extend(error.problems)
    return problems


def converter_options(connector: Mapping[str, str]) -> ConfigDef:
    """What can be configured of the connector's own converters, by the options' whole names."""
    return ConfigDef(
        *(
            replace(option, name=f"{converter}.{option.name}", label=option.label or option.name)
            for converter, options in _own_converters(connector)
            for option in options.options.values()
        )
    )


def converter_warnings(connector: Mapping[str, str]) -> list[OptionWarning]:
    """Warnings of options that the connector's own converters don't know."""
    warnings: list[OptionWarning] = []
    for converter, options in _own_converters(connector):
        _, found = NameResolver(options, {}).resolve(_below(connector, converter))
        warnings.extend(OptionWarning(f"{converter}.{w.option}", f"{converter}: {w.message}") for w in found)
    return warnings


def producer_options(connector: Mapping[str, str]) -> ConfigDef:
    """What the connector sets of its producer; nothing without the sink's extra."""
    try:
        from headwater.sinks.kafka.overrides import override_options
    except ModuleNotFoundError:
        return ConfigDef()
    return override_options(connector)


def producer_warnings(connector: Mapping[str, str]) -> list[OptionWarning]:
    """Warnings of options that the producer doesn't know; none without the sink's extra."""
    try:
        from headwater.sinks.kafka.overrides import unknown_overrides
    except ModuleNotFoundError:
        return []
    return [OptionWarning(name, unknown_option(name, near)) for name, near in unknown_overrides(connector).items()]


def _own_converters(connector: Mapping[str, str]) -> Iterator[tuple[str, ConfigDef]]:
    """(option, what can be configured) of each converter that the connector names and that there is."""
    for option, find in _FINDERS.items():
        if option in connector:
            with contextlib.suppress(UnknownPluginError, MissingExtraError):
                yield option, find(connector[option]).OPTIONS


def _build_converter(worker: WorkerConfig, connector: Mapping[str, str], option: str) -> Converter:
    """The converter that ``option`` names, in the connector's configuration or else in the worker's.

    Its options are taken from where it is named, as in Kafka Connect.
    """
    values, name = (connector, connector[option]) if option in connector else (worker.values, worker.options[option])
    try:
        return _FINDERS[option](name).create(_below(values, option), is_key=option == "key.converter")
    except ConfigError as error:
        raise ConfigError(Problem(f"{option}.{p.option}", f"{option}: {p.message}") for p in error.problems) from error
    except UnknownPluginError as error:
        reason = f"Class {name} could not be found. There are: {', '.join(error.known)}"
        raise ConfigError([Problem(option, f"Invalid value {name} for configuration {option}: {reason}")]) from error
    except MissingExtraError as error:
        raise ConfigError([Problem(option, f"Invalid value {name} for configuration {option}: {error}")]) from error


def _below(values: Mapping[str, str], option: str) -> dict[str, str]:
    """The options that start with ``option`` and a dot, without that."""
    prefix = f"{option}."
    return {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}
