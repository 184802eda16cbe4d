"""``headwater worker``: runs a worker and its REST API until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headwater.rest.listeners import Listening
    from headwater.rest.server import RestServer
    from headwater.stores.sqlite import SqliteStore
    from headwater.worker.fork_server import ForkServer
    from headwater.worker.worker import Worker
    from headwater.worker.worker_config import WorkerConfig


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--environment",
    "from_environment",
    is_flag=True,
    help="Take the environment variables of the debezium/connect image too, over what FILE says: BOOTSTRAP_SERVERS,"
    " KEY_CONVERTER …, and CONNECT_FOO_BAR for any property foo.bar.",
)
def worker(file: Path | None, *, from_environment: bool) -> None:
    """Run a worker until SIGTERM or Ctrl-C.

    FILE is a Kafka Connect worker's properties file; what it doesn't say has these defaults:

    \b
      listeners=http://127.0.0.1:8083
      bootstrap.servers=localhost:9092
      key.converter, value.converter=org.apache.kafka.connect.json.JsonConverter
      offset.storage.file.filename=~/.local/state/headwater/state.db

    On the first signal what is under way is delivered and offsets are stored; on a second one it ends at once.
    """
    from headwater.logs import configure_logs, redact_logs, starting_levels
    from headwater.plugin_path import use_plugin_path
    from headwater.rest.listeners import ListenError, listen
    from headwater.stores.sqlite import SqliteStore, StateFileError
    from headwater.worker.fork_server import ForkServer

    configure_logs()
    config = _read_config(file, from_environment=from_environment)
    use_plugin_path(config.plugin_path)
    configure_logs(starting_levels(config.log_level).items())
    redact_logs(config.references.redact)
    _warn_of_missing_folders(config.plugin_path)
    # Before files and sockets are opened, which it would hold open.
    fork_server = ForkServer(_connectors_in_use(config.state_file))
    try:
        store = SqliteStore(config.state_file)
        try:
            asyncio.run(_serve(config, store, fork_server, listen(config)))
        finally:
            store.close()
    except (ListenError, StateFileError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        fork_server.close()


def _warn_of_missing_folders(plugin_path: Iterable[str]) -> None:
    import structlog

    log = structlog.get_logger(__name__)
    for folder in plugin_path:
        if folder and not Path(folder).is_dir():
            log.warning("a folder of plugin.path is not there", folder=folder)


def _connectors_in_use(state_file: Path) -> list[str]:
    """Modules of connectors; of all of them where there is none yet: each would be imported twice, and not shared."""
    from headwater.plugins import connector_module, connector_modules
    from headwater.stores.sqlite import connector_classes

    classes = connector_classes(state_file)
    return [module for module in map(connector_module, classes) if module] if classes else connector_modules()


def _read_config(file: Path | None, *, from_environment: bool) -> WorkerConfig:
    from headwater.config import ConfigError
    from headwater.plugins import MissingExtraError
    from headwater.properties import PropertiesError, parse_properties
    from headwater.worker.assembly import check_worker
    from headwater.worker.worker_config import read_worker_config

    try:
        properties = parse_properties(file.read_bytes()) if file else {}
        if from_environment:
            properties |= _read_environment()
        config = read_worker_config(properties)
        check_worker(config)
    except PropertiesError as error:
        raise click.ClickException(f"{file}: {error}") from error
    except ConfigError as error:
        problems = "\n".join(f"  {problem.message}" for problem in error.problems)
        raise click.ClickException(f"The worker's configuration is invalid:\n{problems}") from error
    except MissingExtraError as error:
        raise click.ClickException(str(error)) from error
    return config


def _read_environment() -> Mapping[str, str]:
    """The worker's properties in the environment, told in the log by their names. Raises `ConfigError`."""
    import structlog

    from headwater.worker.environment import read_environment

    log = structlog.get_logger(__name__)
    environment = read_environment(os.environ)
    log.info("options are taken from the environment", variables=environment.variables)
    if environment.without_effect:
        log.warning("variables of Debezium's image have no effect here", variables=environment.without_effect)
    return environment.properties


async def _serve(config: WorkerConfig, store: SqliteStore, fork_server: ForkServer, listening: Listening) -> None:
    import structlog

    from headwater.rest.listeners import addresses
    from headwater.worker.option_names import log_warnings
    from headwater.worker.worker import Worker

    log = structlog.get_logger(__name__)
    log_warnings(config.warnings)
    stopping = _stop_on_signals()
    running = Worker(config, store, fork_server)
    try:
        # In a thread: tasks needn't wait until the REST API's libraries are imported.
        rest = asyncio.create_task(asyncio.to_thread(_rest_servers, running, config, listening))
        serving = asyncio.create_task(_run(rest))
        urls, admin_urls = addresses(listening.main), addresses(listening.admin)
        log.info("worker is starting", rest=urls)
        await running.start()
        log.info(
            "worker started",
            rest=urls,
            admin=admin_urls,
            bootstrap_servers=config.options["bootstrap.servers"],
            state_file=str(config.state_file),
            process=os.getpid(),
        )
        told = asyncio.create_task(stopping.wait())
        await asyncio.wait((told, serving), return_when=asyncio.FIRST_COMPLETED)  # a REST API that died ends the worker
        log.info("worker is stopping", seconds=config.graceful_seconds)
        for server in await rest:
            server.stop()
        await serving
    finally:
        await running.stop()
    log.info("worker stopped")


def _rest_servers(worker: Worker, config: WorkerConfig, listening: Listening) -> list[RestServer]:
    from headwater.rest.app import ADMIN_OPERATIONS, MAIN_OPERATIONS, OPERATIONS, create_app
    from headwater.rest.server import RestServer

    operations = OPERATIONS if config.admin_listeners is None else MAIN_OPERATIONS
    servers = [RestServer(create_app(worker, config, operations), listening.main)]
    if listening.admin:
        servers.append(RestServer(create_app(worker, config, ADMIN_OPERATIONS), listening.admin))
    return servers


async def _run(rest: asyncio.Task[list[RestServer]]) -> None:
    await asyncio.gather(*(server.run_until_stopped() for server in await rest))


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process, and with it every task."""
    stopping = asyncio.Event()

    def handle() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)
    return stopping
