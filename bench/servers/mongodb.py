"""MongoDB, a replica set that ``MONGODB_URL`` names."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import pymongo
from bson.timestamp import Timestamp
from pymongo.database import Database

from bench.server import NAME, Server


class MongoDbServer(Server):
    """See `bench.server.Server`."""

    name = "mongodb"

    def __init__(self) -> None:
        address = os.environ["MONGODB_URL"]
        url = urlsplit(address)
        self.port = int(url.port or 27017)
        self._user, self._password = url.username, url.password
        self._hosts = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
        self.client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(address)

    @property
    def database(self) -> Database[dict[str, Any]]:
        """The one that the benchmark writes into."""
        return self.client[NAME]

    def close(self) -> None:
        self.client.close()

    def version(self) -> str:
        return str(self.client.server_info()["version"])

    def settings(self) -> dict[str, str]:
        log = self.client.local.command("collStats", "oplog.rs")
        cache = self.client.admin.command("serverStatus")["wiredTiger"]["cache"]["maximum bytes configured"]
        members = len(self.client.admin.command("replSetGetConfig")["config"]["members"])
        return {"members": str(members), "oplog bytes": str(log["maxSize"]), "cache bytes": str(cache)}

    def connector(self) -> dict[str, str]:
        signs_in = {"mongodb.user": self._user, "mongodb.password": self._password}
        return {
            "connector.class": "io.debezium.connector.mongodb.MongoDbConnector",
            "topic.prefix": NAME,
            "mongodb.connection.string": self._hosts,
            **{name: value for name, value in signs_in.items() if value},
            "snapshot.mode": "no_data",
        }

    def time(self) -> Timestamp:
        """The time of the last operation: a change stream that begins then has what is written from now on."""
        time: Timestamp = self.client.admin.command("ping")["operationTime"]
        return time

    def position(self) -> tuple[str, str]:
        """Seconds and increment of the log's time."""
        time = self.time()
        return str(time.time), str(time.inc)

    def clean_up(self) -> None:
        """The collections; the log overwrites itself."""
        self.client.drop_database(NAME)
