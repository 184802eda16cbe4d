"""What is asked of MongoDB's server, for every entry of its log: no more than the scope leaves open."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.sources.filters import check_patterns
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
        (Lists(collection_include=("orders.outbox",)), Scope("orders", "outbox"), []),
        (Lists(collection_include=("orders\\.(outbox|carts)",)), Scope("orders"), ["ns.db", "ns.coll"]),
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


@pytest.mark.parametrize(
    "expression",
    [
        "ord.*",
        "orders.*",
        "orders.a.*",
        "orders\\.?.*",
        "orders.a\\.b",
        "orders\\.a|users\\.b",
        "orders\\.(a)|users\\.(b)",
        "orders\\.[(]|users\\.[)]",
        "orders\\.\\Q(\\E|users\\.\\Q)\\E",
        "orders\\.a\\\\|users\\.b",
    ],
)
def test_an_expression_that_may_match_in_another_database_is_asked_of_the_whole_deployment(expression: str) -> None:
    assert asked(Lists(collection_include=(expression,)))[0] == Scope()


DATABASES, COLLECTIONS = ("a", "aa", "b-a"), ("a", "b", "a.a", "a|b", "b.a")


def can_be_read(found: list[str]) -> bool:
    return not any(check_patterns(expression) for expression in found)


expressions = st.lists(
    st.sampled_from(
        ["a", "b", "aa", "-", "\\-", "\\.", ".", "*", "?", "+", "|", "(", ")", "[", "]", "\\Q", "\\E", "\\("]
    ),
    min_size=1,
    max_size=9,
).map("".join)


@given(st.lists(expressions, min_size=1, max_size=2).filter(can_be_read))
def test_no_scope_is_narrower_than_the_lists(include: list[str]) -> None:
    lists = Lists(collection_include=tuple(include))
    captures = lists.filter(frozenset()).captures
    scope = lists.scope(lambda: DATABASES, lambda _: COLLECTIONS)
    for database, collection in itertools.product(DATABASES, COLLECTIONS):
        if captures(database, collection):
            assert scope.database in (None, database)
            assert scope.collection in (None, collection)
