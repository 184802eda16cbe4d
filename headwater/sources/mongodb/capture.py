"""What is captured: from the options to what is asked of the server's change stream.

Source: ``ChangeStreamPipelineFactory`` of Debezium 3.6, for the order of the stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bson import json_util

from headwater.config import Config, ConfigError, Problem
from headwater.sources.mongodb.change_stream import StreamOptions
from headwater.sources.mongodb.connection import Server
from headwater.sources.mongodb.scope import Lists, Scope
from headwater.sources.skipped_operations import skipped_operations

CAPTURE_MODES = {
    "change_streams": (False, False),
    "change_streams_update_full": (True, False),
    "change_streams_with_pre_image": (False, True),
    "change_streams_update_full_with_pre_image": (True, True),
}
"""Whether updates come with the whole document, and whether changes come with the document before them."""
_OPERATIONS = {"c": ("insert",), "u": ("update", "replace"), "d": ("delete",)}


def check_pipeline(text: str | None) -> str | None:
    """A validator: stages of an aggregation in extended JSON."""
    try:
        _stages(text)
    except (ValueError, TypeError) as error:
        return f"must be a JSON array of aggregation stages: {error}"
    return None


def _stages(text: str | None) -> list[dict[str, Any]]:
    stages = json_util.loads(text) if text and text.strip() else []
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise ValueError("it is none")
    return stages


@dataclass(frozen=True, slots=True)
class Capture:
    """What the options ask for; the server has its say in `stream_options`."""

    config: Config
    lists: Lists
    full_document: str | None
    pre_images: bool
    given_scope: Scope | None

    @classmethod
    def of(cls, config: Config, lists: Lists) -> Capture:
        """Raises `ConfigError`."""
        skips = config["cursor.oversize.handling.mode"].lower() == "skip"
        if skips and config["cursor.oversize.skip.threshold"] < 1:
            name = "cursor.oversize.skip.threshold"
            raise ConfigError([Problem(name, f"{name} must be set where cursor.oversize.handling.mode is skip")])
        full, pre_images = CAPTURE_MODES[config["capture.mode"].lower()]
        by_lookup = config["capture.mode.full.update.type"].lower() == "lookup"
        return cls(
            config,
            lists,
            ("updateLookup" if by_lookup else "whenAvailable") if full else None,
            pre_images,
            _given_scope(config["capture.scope"], config["capture.target"]),
        )

    def stream_options(self, server: Server) -> StreamOptions:
        """What to ask of the server, whose names decide how narrow the scope can be."""
        scope = self.given_scope or self.lists.scope(server.database_names, server.collection_names)
        return StreamOptions(
            scope=scope,
            stages=self._pipeline(scope),
            full_document=self.full_document,
            before_change="whenAvailable" if self.pre_images else None,
            max_await_ms=self.config["cursor.max.await.time.ms"],
        )

    def _pipeline(self, scope: Scope) -> list[dict[str, Any]]:
        conditions = [*self.lists.conditions(scope), *self._operations()]
        internal = [{"$match": {"$and": conditions}}] if conditions else []
        users = _stages(self.config["cursor.pipeline"])
        match self.config["cursor.pipeline.order"].lower():
            case "internal_first":
                stages = [*internal, *users]
            case "user_first":
                stages = [*users, *internal]
            case _:
                stages = users
        return [*self._size_limit(), *stages]

    def _operations(self) -> list[dict[str, Any]]:
        """A condition where some are skipped; what is no change of a document comes seldom, and is passed over here."""
        skipped = skipped_operations(self.config["skipped.operations"])
        wanted = [name for code, names in _OPERATIONS.items() if code not in skipped for name in names]
        return [{"operationType": {"$in": wanted}}] if skipped & _OPERATIONS.keys() else []

    def _size_limit(self) -> list[dict[str, Any]]:
        if self.config["cursor.oversize.handling.mode"].lower() != "skip":
            return []
        limit = self.config["cursor.oversize.skip.threshold"]
        fields = ("$fullDocument", "$fullDocumentBeforeChange")
        return [{"$match": {"$and": [{"$expr": {"$lte": [{"$bsonSize": field}, limit]}} for field in fields]}}]


def _given_scope(scope: str | None, target: str | None) -> Scope | None:
    """What ``capture.scope`` and ``capture.target`` say. Raises `ConfigError`."""
    if scope is None:
        return None
    if scope.lower() == "deployment":
        return Scope()
    database, _, collection = (target or "").strip().partition(".")
    wants_collection = scope.lower() == "collection"
    if not database or bool(collection) != wants_collection:
        form = "DATABASE.COLLECTION" if wants_collection else "DATABASE"
        raise ConfigError([Problem("capture.target", f"capture.target must be {form} for capture.scope={scope}")])
    return Scope(database, collection or None)
