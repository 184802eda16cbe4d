"""The description of the REST API tells what there is, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from headwater.rest import schemas
from headwater.rest.app import OPERATIONS, routes
from headwater.rest.openapi import describe
from headwater.rest.reference import page

FILE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
DESCRIPTION = describe(OPERATIONS)


def test_every_route_is_described_and_every_description_has_its_route():
    everywhere = {"HEAD", "OPTIONS"}
    routed = {(route.path, method) for route in routes(OPERATIONS) for method in route.methods - everywhere}
    described = {(path, method.upper()) for path, methods in DESCRIPTION["paths"].items() for method in methods}
    assert routed == described


def test_operations_have_identifiers_of_their_own():
    identifiers = [operation["operationId"] for path in DESCRIPTION["paths"].values() for operation in path.values()]
    assert len(set(identifiers)) == len(identifiers) == len(OPERATIONS)


def test_every_schema_that_has_a_name_is_used_and_every_name_is_of_one():
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DESCRIPTION)))
    assert used == set(schemas.COMPONENTS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_a_body_comes_with_the_answers_that_it_may_get(operation):
    described = DESCRIPTION["paths"][operation.path][operation.method.lower()]
    assert ("requestBody" in described) == ("413" in described["responses"]) == (operation.body is not None)
    assert ("415" in described["responses"]) == (operation.method != "GET")


def test_the_file_in_the_docs_is_up_to_date():
    hint = "run: python -m headwater.rest.reference > docs/reference/openapi.json"
    assert FILE.read_text() == page(), hint
