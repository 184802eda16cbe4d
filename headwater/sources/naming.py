"""Names of topics and schemas: Debezium's ``DefaultTopicNamingStrategy``, with no adjustment of schema names.

A message's schemas are named after its topic: ``<topic>.Key``, ``<topic>.Value``, ``<topic>.Envelope``.
"""

from __future__ import annotations

import re

_INVALID = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 249


def check_topic_prefix(text: str) -> str | None:
    """A validator: what Kafka takes in names of topics (``CommonConnectorConfig.TOPIC_NAME_PATTERN``)."""
    if text and not _INVALID.search(text):
        return None
    return "only the underscore, hyphen, dot and alphanumeric characters are allowed, and at least one"


def topic_name(prefix: str, *parts: str) -> str:
    """The topic of a table's messages; ``parts`` lead to the table, outermost first, and blank ones are left out."""
    return sanitized(".".join(part for part in (prefix, *parts) if part.strip()))


def sanitized(name: str) -> str:
    """A name that Kafka takes for a topic: what it does not allow becomes underscores, the rest is cut off."""
    name = _INVALID.sub(_underscores, name)[:_LONGEST]
    return "_" * len(name) if name in (".", "..") else name


def _underscores(match: re.Match[str]) -> str:
    """One for each UTF-16 code unit, as Java counts characters."""
    return "_" if ord(match[0]) < 0x10000 else "__"
