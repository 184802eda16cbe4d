"""The worker: it keeps connectors, and runs a task for each of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from headwater.store import State, Status
from headwater.stores.sqlite import SqliteStore, StateFileError
from headwater.worker import assembly
from headwater.worker.connector_config import hide_secrets, keep_secrets, read_connector_config
from headwater.worker.kafka_cluster import kafka_cluster_id
from headwater.worker.option_names import OptionWarning
from headwater.worker.process import start_fork_server
from headwater.worker.supervisor import Supervisor
from headwater.worker.task import TaskSpec
from headwater.worker.worker_config import WorkerConfig

log = structlog.get_logger(__name__)

SURVIVOR_SECONDS = 30.0
"""How long a starting worker waits for tasks of a killed one; they end as soon as they notice."""

TASK = 0
"""The number of a connector's only task: a source reads one log."""


class ConnectorNotFoundError(LookupError):
    """There is no connector of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Connector {name} not found")


class StatusNotFoundError(LookupError):
    """There is no connector of that name, or it has no status yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No status found for connector {name}")


class ConnectorExistsError(Exception):
    """There is a connector of that name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Connector {name} already exists")


class Worker:
    """Connectors and their tasks; used from one event loop."""

    def __init__(self, config: WorkerConfig, store: SqliteStore) -> None:
        self._config = config
        self._store = store
        self._connectors = store.connectors()
        self._supervisors: dict[str, Supervisor] = {}
        self._changing = asyncio.Lock()
        self._cluster_id: str | None = None

    async def start(self) -> None:
        """Start every stored connector. Raises `StateFileError` if tasks of an earlier worker don't end."""
        start_fork_server()
        if not await asyncio.to_thread(self._store.wait_for_survivors, SURVIVOR_SECONDS):
            raise StateFileError(
                f"Tasks of an earlier worker still use {self._config.state_file}, {SURVIVOR_SECONDS:g} s after it"
                f" ended; end them first (`fuser {self._config.state_file}.tasks` shows them)"
            )
        for name in self._connectors:
            self._start_connector(name)

    async def stop(self) -> None:
        """Stop every task: what is under way is delivered and offsets are stored, within the time a stop may take."""
        async with self._changing:
            await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors.values()))
            for name in self._supervisors:
                self._put_status(name, TASK, State.UNASSIGNED)
                self._put_status(name, None, State.UNASSIGNED)
            self._supervisors.clear()

    def connectors(self) -> list[str]:
        """The names of all connectors."""
        return list(self._connectors)

    def config(self, name: str) -> dict[str, str]:
        """A connector's configuration as it may be shown. Raises `ConnectorNotFoundError`."""
        try:
            config = self._connectors[name]
        except KeyError:
            raise ConnectorNotFoundError(name) from None
        return hide_secrets(config) if self._config.options["rest.hide.passwords"] else dict(config)

    def tasks(self, name: str) -> list[int]:
        """The numbers of a connector's tasks. Raises `ConnectorNotFoundError`."""
        if name not in self._connectors:
            raise ConnectorNotFoundError(name)
        return [TASK]

    def statuses(self, name: str) -> Sequence[Status]:
        """The connector's status first, then its tasks'. Raises `StatusNotFoundError`."""
        statuses = self._store.statuses(name)
        if not statuses:
            raise StatusNotFoundError(name)
        return statuses

    async def kafka_cluster_id(self) -> str | None:
        """The id of the Kafka cluster that messages go to; None while it can't be reached."""
        if self._cluster_id is None:
            self._cluster_id = await asyncio.to_thread(kafka_cluster_id, self._config.values)
        return self._cluster_id

    async def create(self, name: str, config: Mapping[str, str]) -> None:
        """Keep a new connector and start it.

        Raises `headwater.config.ConfigError` or `ConnectorExistsError`.
        """
        await asyncio.shield(self._create(name, config))

    async def put(self, name: str, config: Mapping[str, str]) -> bool:
        """Keep a new connector, or another configuration of one, and start it; whether it is new.

        ``[hidden]`` in it stands for the secret of the connector's present configuration. What is under way is
        delivered before the new configuration counts, and a configuration that is the same stops nothing.
        Raises `headwater.config.ConfigError`.
        """
        return await asyncio.shield(self._put(name, config))

    async def patch(self, name: str, patch: Mapping[str, str | None]) -> None:
        """Merge options into a connector's configuration; None removes one (KIP-477). What `put` says holds.

        Raises `headwater.config.ConfigError` or `ConnectorNotFoundError`.
        """
        await asyncio.shield(self._patch(name, patch))

    async def _create(self, name: str, config: Mapping[str, str]) -> None:
        async with self._changing:
            warnings = self._check(config)
            if name in self._connectors:
                raise ConnectorExistsError(name)
            await self._configure(name, config, warnings)

    async def _put(self, name: str, config: Mapping[str, str]) -> bool:
        async with self._changing:
            stored = self._connectors.get(name)
            complete = config if stored is None else keep_secrets(config, stored)
            await self._configure(name, complete, self._check(complete))
            return stored is None

    async def _patch(self, name: str, patch: Mapping[str, str | None]) -> None:
        async with self._changing:
            if name not in self._connectors:
                raise ConnectorNotFoundError(name)
            stored = self._connectors[name]
            # What the patch doesn't mention is `[hidden]` too: a secret must not go to a host that the patch names.
            merged = {**hide_secrets(stored), **patch}
            config = {option: value for option, value in merged.items() if value is not None}
            complete = keep_secrets(config, stored)
            await self._configure(name, complete, self._check(complete))

    def _check(self, config: Mapping[str, str]) -> list[OptionWarning]:
        """What its author should know of a connector's configuration. Raises `headwater.config.ConfigError`."""
        connector = read_connector_config(config)
        return [*connector.warnings, *assembly.check_connector(self._config, connector)]

    async def _configure(self, name: str, config: Mapping[str, str], warnings: Sequence[OptionWarning]) -> None:
        """Have the connector run with ``config``; the caller holds the lock."""
        if self._connectors.get(name) == config:
            return
        log_warnings(warnings, connector=name)
        if name in self._supervisors:
            await self._supervisors.pop(name).stop()
        self._store.put_connector(name, config)
        self._connectors[name] = dict(config)
        self._start_connector(name)
        log.info("connector configured", connector=name)

    async def delete(self, name: str) -> None:
        """Stop a connector and forget it; its offsets stay. Raises `ConnectorNotFoundError`."""
        # Not cancelled with the request that asked for it: a task must not be left half stopped.
        await asyncio.shield(self._delete(name))

    async def _delete(self, name: str) -> None:
        async with self._changing:
            if name not in self._connectors:
                raise ConnectorNotFoundError(name)
            await self._supervisors.pop(name).stop()
            self._store.delete_connector(name)
            del self._connectors[name]
        log.info("connector deleted", connector=name)

    def _start_connector(self, name: str) -> None:
        self._put_status(name, None, State.RUNNING)
        self._put_status(name, TASK, State.UNASSIGNED)
        self._supervisors[name] = Supervisor(
            partial(self._make_spec, name), partial(self._put_status, name, TASK), self._config.graceful_seconds
        )

    def _make_spec(self, name: str) -> TaskSpec:
        return TaskSpec(
            connector=name,
            task=TASK,
            epoch=self._store.begin_epoch(name, TASK),
            state_file=self._config.state_file,
            worker_config=self._config.values,
            connector_config=self._connectors[name],
        )

    def _put_status(self, name: str, task: int | None, state: State, trace: str | None = None) -> None:
        self._store.put_status(Status(name, task, state, self._config.worker_id, trace))
        if task is not None:
            level = logging.WARNING if state in (State.FAILED, State.RESTARTING) else logging.INFO
            reason = {"reason": trace.partition("\n")[0]} if trace else {}
            log.log(level, "task state", connector=name, task=task, state=state, **reason)


def log_warnings(warnings: Sequence[OptionWarning], **context: str) -> None:
    """Tell about options that may not mean what their author thinks."""
    for warning in warnings:
        log.warning(warning.message, option=warning.option, **context)
