"""The commands of `tools/services`.

They run before any virtual environment exists: nothing here needs more than Python's standard library.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service_kinds import AVAILABLE, JAR_SETS, VARIABLES
from service_kinds.installation import ServiceError
from service_kinds.service import HOST, Service

CHECKOUT = Path(__file__).resolve().parents[2]

DESCRIPTION = "Real servers for development and tests, on loopback ports, each in a folder of its own."

EPILOG = """\
examples:
  tools/services up mysql kafka         install what is missing, start both, wait until they answer
  eval "$(tools/services env)"          put their addresses into this shell (MYSQL_URL, …)
  tools/services status                 what is up, where, with which process id
  tools/services down                   stop everything; the data stays
  tools/services kill kafka             end kafka as a crash does
  tools/services wipe mysql             stop mysql and delete its data; the software stays
  tools/services jars debezium          fetch Debezium's jars, print the folder that holds them
  tools/services jars connect           the same for Kafka Connect's
  tools/services jars google-types      the same for the Protobuf types that Confluent's converter needs

environment:
  HEADWATER_SERVICES_DIR                software, data and logs (default: .services in the checkout)
  HEADWATER_SERVICES_DATA               data and logs elsewhere: with a port, another instance of the same software
  HEADWATER_SERVICES_<NAME>_PORT        another port, as in HEADWATER_SERVICES_MYSQL_PORT=3307
  MYSQL_URL, KAFKA_BOOTSTRAP_SERVERS …  where one is set, that server is used and none is started for it
"""

FAILED = 1
UNAVAILABLE = 2
INTERRUPTED = 130


def main() -> int:
    arguments = parse_arguments()
    root = Path(os.environ.get("HEADWATER_SERVICES_DIR") or CHECKOUT / ".services").absolute()
    data_root = Path(os.environ.get("HEADWATER_SERVICES_DATA") or root).absolute()
    services = {name: kind(root, data_root) for name, kind in AVAILABLE.items()}
    try:
        match arguments.command:
            case "up":
                return up(arguments.names, services)
            case "env":
                print_exports(services)
            case "status":
                print_status(services)
            case "down":
                return each(Service.down, chosen(arguments.names, services))
            case "kill":
                return each(Service.kill, chosen(arguments.names, services))
            case "wipe":
                return each(Service.wipe, chosen(arguments.names, services))
            case "jars":
                print(JAR_SETS[arguments.name](root).fetch())
    except ServiceError as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/services",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command, count, summary in (
        ("up", "+", "install and start servers, wait until they answer"),
        ("down", "*", "stop servers (default: all that were started here)"),
        ("kill", "+", "end servers as a crash does; their data stays"),
        ("wipe", "*", "stop servers and delete their data (default: all)"),
    ):
        subparser = commands.add_parser(command, help=summary, description=summary)
        subparser.add_argument("names", nargs=count, metavar="NAME", type=server_name, help=", ".join(VARIABLES))
    commands.add_parser("env", help="print shell exports of the servers that are up")
    commands.add_parser("status", help="say which servers are up, and where")
    jars = commands.add_parser("jars", help="fetch a set of jars, print the folder that holds them")
    jars.add_argument("name", metavar="NAME", choices=JAR_SETS, help=", ".join(JAR_SETS))
    return parser.parse_args()


def server_name(text: str) -> str:
    if text not in VARIABLES:
        raise argparse.ArgumentTypeError(f"no server is called {text!r}; there are {', '.join(VARIABLES)}")
    return text


def up(names: Iterable[str], services: Mapping[str, Service]) -> int:
    """Starts the named services side by side, all of them or, if one is not available, none."""
    wanted = []
    for name in dict.fromkeys(names):
        if runs_elsewhere(name, services):
            report(f"{name}: {VARIABLES[name]} is set, so that server is used; unset it to start one here")
        else:
            wanted.append(name)
    missing = [name for name in wanted if name not in services]
    for name in missing:
        report(
            f"{name}: not available yet (available: {', '.join(services)}). "
            f"To use a server of your own, set {VARIABLES[name]}."
        )
    return UNAVAILABLE if missing else each(Service.up, [services[name] for name in wanted])


def runs_elsewhere(name: str, services: Mapping[str, Service]) -> bool:
    """Whether the environment names a server other than the one that is started here."""
    given = os.environ.get(VARIABLES[name])
    return bool(given) and (name not in services or given != services[name].address())


def each(action: Callable[[Service], None], services: Iterable[Service]) -> int:
    """Applies `action` to all services at once; the exit status says whether any of them failed."""
    status = 0
    with ThreadPoolExecutor(max_workers=len(AVAILABLE)) as pool:
        for outcome in [pool.submit(action, service) for service in services]:
            try:
                outcome.result()
            except ServiceError as error:
                report(str(error))
                status = FAILED
    return status


def chosen(names: list[str], services: Mapping[str, Service]) -> list[Service]:
    return [service for name, service in services.items() if not names or name in names]


def print_exports(services: Mapping[str, Service]) -> None:
    """One export a line, ready for eval; a variable that is set already is printed as it is."""
    for name, variable in VARIABLES.items():
        value = os.environ.get(variable)
        if not value and name in services and services[name].running():
            value = services[name].address()
        if value:
            print(f"export {variable}={shlex.quote(value)}")


def print_status(services: Mapping[str, Service]) -> None:
    for name in VARIABLES:
        print(f"{name:<16} {state(name, services)}")


def state(name: str, services: Mapping[str, Service]) -> str:
    if runs_elsewhere(name, services):
        return f"elsewhere: {VARIABLES[name]} is set"
    if name not in services:
        return "not available yet"
    process = services[name].running()
    if not process:
        return "down"
    return f"up on {HOST}:{process.port}, process {process.pid}, in {services[name].home}"


def report(message: str) -> None:
    """Progress and errors go to standard error; standard output is for what a shell evaluates."""
    print(message, file=sys.stderr, flush=True)
