"""``headwater run``: one connector, in this process, until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def run(file: Path) -> None:
    """Run the connector that FILE describes, without a REST API, until SIGTERM or Ctrl-C.

    FILE is JSON or TOML, or Debezium Server's application.properties:

    \b
      name = "orders"
      [worker]
      bootstrap.servers = "localhost:9092"     # or local://topics.db, stdout://json, file://events.jsonl
      [config]
      connector.class = "sqlite"
      database.file = "shop.db"
      topic.prefix = "shop"

    Offsets are kept in worker.offset.storage.file.filename, without it in ~/.local/state/headwater/run/NAME.db.
    """
    from headwater.config import ConfigError
    from headwater.logs import configure_logs, redact_logs, starting_levels
    from headwater.plugin_path import use_plugin_path
    from headwater.plugins import MissingExtraError
    from headwater.stores.sqlite import StateFileError
    from headwater.worker.config_file import ConfigFileError, read_config_file
    from headwater.worker.option_names import log_warnings
    from headwater.worker.single import run_single
    from headwater.worker.task import FORESEEN
    from headwater.worker.worker_config import default_state_file, read_worker_config

    configure_logs()
    try:
        described = read_config_file(file)
        name = described.connector["name"].replace("/", "_")
        own_state = str(default_state_file().parent / "run" / f"{name}.db")
        worker = read_worker_config({"offset.storage.file.filename": own_state, **described.worker})
        configure_logs(starting_levels(worker.log_level).items())
        redact_logs(worker.references.redact)
        log_warnings([*described.warnings, *worker.warnings])
        use_plugin_path(worker.plugin_path)
        run_single(worker, described.connector, stopping=stop_on_signals().is_set)
    except ConfigError as error:
        problems = "\n".join(f"  {problem.message}" for problem in error.problems)
        raise click.ClickException(f"The configuration in {file} is invalid:\n{problems}") from error
    except (ConfigFileError, MissingExtraError, StateFileError, *FORESEEN) as error:
        raise click.ClickException(str(error)) from error


def stop_on_signals() -> threading.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process."""
    stopping = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stopping
