"""Fixtures that every folder of tests shares: where the real servers are, and a database for each test."""

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pymongo
import pymysql
import pytest
import sqlalchemy
from hypothesis import HealthCheck, settings
from pymongo.database import Database

from tests import mysql_settings

# how fast examples come says something of the machine, nothing of the code
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# the same examples each time, so that what fails is what was changed; --hypothesis-profile=explore looks for new ones
settings.register_profile("repeat", settings.get_profile("explore"), derandomize=True)
settings.load_profile("repeat")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fault tests; pytest reads them before it finds the folder that they belong to."""
    parser.addoption("--faults", choices=("short", "full"), default="short", help="how many faults tests/faults makes")
    parser.addoption("--faults-seed", type=int, help="repeats the random choices of an earlier run of tests/faults")


@pytest.fixture(scope="session")
def mysql_url() -> sqlalchemy.URL:
    """The MySQL server the tests run on, signed in as a user who may do everything."""
    url = os.environ.get("MYSQL_URL")
    if not url:
        pytest.fail("MYSQL_URL is not set: `make test` starts the real servers the tests need and sets it")
    return sqlalchemy.make_url(url)


@pytest.fixture
def mysql_database(mysql_url: sqlalchemy.URL) -> Iterator[sqlalchemy.URL]:
    """An empty database that only this test uses; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = pymysql.connect(
        host=mysql_url.host,
        port=mysql_url.port or 3306,
        user=mysql_url.username,
        password=mysql_url.password or "",
        ssl_disabled=True,  # with TLS, PyMySQL reads the system's authorities every time: slower than all the rest
        autocommit=True,
        init_command="SET SESSION lock_wait_timeout = 10",  # a transaction left open must not hang the drop
    )
    with server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield mysql_url.set(database=name)
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["FULL", "MINIMAL"])
def row_metadata(request: pytest.FixtureRequest, mysql_url: sqlalchemy.URL) -> Iterator[str]:
    """The server's ``binlog_row_metadata`` during the test: both settings in turn."""
    wanted: str = request.param
    server = pymysql.connect(
        host=mysql_url.host,
        port=mysql_url.port or 3306,
        user=mysql_url.username,
        password=mysql_url.password or "",
        autocommit=True,
    )
    with server, server.cursor() as cursor, mysql_settings.row_metadata(cursor, wanted):
        yield wanted


@pytest.fixture(scope="session")
def mongodb_url() -> str:
    """The MongoDB replica set the tests run on, signed in as a user who may do everything."""
    url = os.environ.get("MONGODB_URL")
    if not url:
        pytest.fail("MONGODB_URL is not set: `make test` starts the real servers the tests need and sets it")
    return url


@pytest.fixture(scope="session")
def _mongodb_client(mongodb_url: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient(mongodb_url) as client:
        yield client


@pytest.fixture(scope="session")
def mongod_program(_mongodb_client: pymongo.MongoClient[dict[str, Any]]) -> str:
    """The program that the tests' replica set runs, for servers of a test's own (`tests.mongod`)."""
    program: str = _mongodb_client.admin.command("getCmdLineOpts")["argv"][0]
    return program


@pytest.fixture
def mongodb_database(_mongodb_client: pymongo.MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """A database that only this test uses; it is dropped afterwards."""
    database = _mongodb_client[f"test_{uuid.uuid4().hex[:12]}"]
    yield database
    _mongodb_client.drop_database(database.name)


@pytest.fixture(scope="session")
def schema_registry_url() -> str:
    """A schema registry that speaks the API of Confluent's."""
    url = os.environ.get("SCHEMA_REGISTRY_URL")
    if not url:
        pytest.fail("SCHEMA_REGISTRY_URL is not set: `make test` starts the real servers the tests need and sets it")
    return url


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    """The Kafka brokers the tests run on."""
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if not servers:
        pytest.fail(
            "KAFKA_BOOTSTRAP_SERVERS is not set: `make test` starts the real servers the tests need and sets it"
        )
    return servers
