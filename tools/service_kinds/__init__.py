"""The servers and jars that `tools/services` knows: one file each."""

from service_kinds.connect import ConnectJars
from service_kinds.debezium import DebeziumJars
from service_kinds.google_types import GoogleTypesJars
from service_kinds.jars import JarSet
from service_kinds.kafka import Kafka
from service_kinds.mariadb import MariaDB
from service_kinds.mongodb import MongoDB
from service_kinds.mysql import MySQL
from service_kinds.postgres import Postgres
from service_kinds.schema_registry import SchemaRegistry
from service_kinds.service import Service

#: Every server that tests may ask for, and the environment variable that says where one runs.
VARIABLES = {
    "mysql": "MYSQL_URL",
    "mariadb": "MARIADB_URL",
    "postgres": "POSTGRES_URL",
    "mongodb": "MONGODB_URL",
    "kafka": "KAFKA_BOOTSTRAP_SERVERS",
    "schema-registry": "SCHEMA_REGISTRY_URL",
    "redis": "REDIS_URL",
    "rabbitmq": "RABBITMQ_URL",
    "nats": "NATS_URL",
}

#: Those of them that can be installed and started here.
AVAILABLE: dict[str, type[Service]] = {
    kind.name: kind for kind in (MySQL, MariaDB, Postgres, MongoDB, Kafka, SchemaRegistry)
}

#: Sets of jars that are no server.
JAR_SETS: dict[str, type[JarSet]] = {kind.name: kind for kind in (ConnectJars, DebeziumJars, GoogleTypesJars)}
