"""`tools/services`, as far as it goes without a server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "services"


@pytest.fixture
def services(tmp_path):
    """Runs the tool on an empty folder, in an environment that names no server but the given ones."""

    def run(*arguments, **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "HEADWATER_SERVICES_DIR": str(tmp_path / "services"),
            **variables,
        }
        return subprocess.run([sys.executable, TOOL, *arguments], env=environment, capture_output=True, text=True)

    return run


def test_env_prints_nothing_while_nothing_is_up(services):
    done = services("env")
    assert (done.returncode, done.stdout) == (0, "")


def test_env_prints_a_variable_that_is_set_as_it_is(services):
    address = "mysql://me:it's a secret@db.example/course"
    exports = services("env", MYSQL_URL=address).stdout
    evaluated = subprocess.run(["sh", "-c", f'{exports}printf %s "$MYSQL_URL"'], capture_output=True, text=True)
    assert evaluated.stdout == address


@pytest.mark.parametrize(
    ("name", "variable"),
    [("mysql", "MYSQL_URL"), ("kafka", "KAFKA_BOOTSTRAP_SERVERS"), ("postgres", "POSTGRES_URL")],
)
def test_up_starts_nothing_for_a_variable_that_is_set(services, tmp_path, name, variable):
    done = services("up", name, **{variable: "db.example:1234"})
    assert done.returncode == 0
    assert f"{variable} is set" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["redis", "rabbitmq", "nats"])
def test_up_of_a_server_without_an_installer_says_so_and_starts_none(services, tmp_path, name):
    done = services("up", "mysql", name)
    assert done.returncode == 2
    assert f"{name}: not available yet" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "down", "kill", "wipe"])
def test_an_unknown_name_is_refused_with_the_known_ones(services, command):
    done = services(command, "oracle")
    assert done.returncode == 2
    assert "'oracle'" in done.stderr
    assert "postgres" in done.stderr


@pytest.mark.parametrize("command", ["down", "wipe"])
def test_stopping_what_never_ran_is_no_error_and_leaves_no_trace(services, tmp_path, command):
    assert services(command).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_none_is_named(services):
    done = services("up", "mysql", HEADWATER_SERVICES_MYSQL_PORT="http", MYSQL_URL="mysql://db.example/")
    assert done.returncode == 1
    assert "HEADWATER_SERVICES_MYSQL_PORT=http" in done.stderr
    assert "Traceback" not in done.stderr
