"""Requests that the REST API's own description gives rise to, well-formed and not, and what a worker answers to them.

Schemathesis makes the requests and checks every answer: no status 5xx, none that is not described, and the described
body. The worker has two connectors, so that requests meet some that there are.
"""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import positive_data_acceptance

from headwater.rest.app import OPERATIONS
from headwater.rest.openapi import describe

EXAMPLES = 12
CONNECTORS = {"stopped": "STOPPED", "paused": "PAUSED"}
CONFIG = {
    "connector.class": "mysql",
    "topic.prefix": "described",
    "database.hostname": "127.0.0.1",
    "database.port": "1",
    "database.user": "nobody",
    "database.server.id": "1",
}
"""A configuration that a worker takes; the server is away."""

SCHEMA = schemathesis.openapi.from_dict(describe(OPERATIONS))
SCHEMA.config.generation.update(modes=list(schemathesis.GenerationMode), with_security_parameters=False)


@pytest.fixture(scope="module")
def described_worker(shared_worker):
    answer = httpx.get(f"{shared_worker.url}/openapi.json")
    assert answer.json() == describe(OPERATIONS)
    return shared_worker


@pytest.fixture
def connectors(described_worker):
    """The connectors, made again for each operation's requests where they are gone."""
    for name, state in CONNECTORS.items():
        body = {"name": name, "config": CONFIG, "initial_state": state}
        assert described_worker.request("POST", "/connectors", body).status_code in (201, 409)
    return described_worker


@SCHEMA.hook
def map_path_parameters(context, path_parameters):
    """Have every second request name a connector that there is."""
    name = (path_parameters or {}).get("connector")
    if isinstance(name, str) and len(name) % 2:
        return {**path_parameters, "connector": list(CONNECTORS)[len(name) % 4 // 2]}
    return path_parameters


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_answers_are_as_described(connectors, case):
    # a schema can't say which options a connector has, so that a body that fits it may be wrong all the same
    case.call_and_validate(base_url=connectors.url, excluded_checks=[positive_data_acceptance], timeout=60)
