"""What is asked of MongoDB's server, for every entry of its log: no more than the scope leaves open."""

from __future__ import annotations

import pytest

from headwater.sources.mongodb.scope import Lists, Scope

NAMES = {"orders": ["outbox", "carts"], "users": ["outbox"]}


def asked(lists: Lists) -> tuple[Scope, list[str]]:
    """The scope, and the fields that the conditions name."""
    scope = lists.scope(lambda: NAMES, lambda database: NAMES[database])
    conditions = lists.conditions(scope)
    return scope, [field for field in ("ns.db", "ns.coll", "$nor") if field in str(conditions)]


@pytest.mark.parametrize(
    ("lists", "scope", "fields"),
    [
        (Lists(), Scope(), []),
        (Lists(collection_include=("orders\\.outbox",)), Scope("orders", "outbox"), []),
        (Lists(collection_include=("orders\\.outbox", "orders\\.carts")), Scope("orders"), ["ns.db", "ns.coll"]),
        (Lists(collection_include=("orders\\.outbox", "users\\.outbox")), Scope(), ["ns.db", "ns.coll"]),
        (Lists(database_include=("orders",)), Scope("orders"), []),
        (Lists(database_include=("orders", "users")), Scope(), ["ns.db"]),
        (Lists(database_exclude=("users",)), Scope(), ["ns.db", "$nor"]),
        (
            Lists(database_include=("orders",), collection_exclude=("orders\\.carts",)),
            Scope("orders"),
            ["ns.db", "ns.coll", "$nor"],
        ),
    ],
)
def test_the_server_is_asked_only_what_the_scope_leaves_open(lists: Lists, scope: Scope, fields: list[str]) -> None:
    assert asked(lists) == (scope, fields)
