"""Which requests are meant for the worker, by their Host and Origin headers."""

import asyncio
import json

import pytest

from headwater.rest.hosts import HostCheck, KnownHosts


def answer(method, *headers, names=("worker.example.com",), allowed=()):
    """(status, message) of a request with these headers; (0, "") where it gets through."""
    sent = []
    through = []

    async def app(scope, receive, send):
        through.append(scope)

    async def send(message):
        sent.append(message)

    check = HostCheck(app, KnownHosts([*names, *allowed]), KnownHosts(allowed))
    scope = {"type": "http", "method": method, "headers": [(n.encode(), v.encode("latin-1")) for n, v in headers]}
    asyncio.run(check(scope, None, send))
    if through:
        return 0, ""
    body = json.loads(sent[1]["body"])
    assert body["error_code"] == sent[0]["status"]
    return body["error_code"], body["message"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8083",
        "192.168.1.7:8083",
        "[::1]:8083",
        "[fe80::1]",
        "localhost:8083",
        "connect:8083",
        "Worker.Example.COM:8083",
        "worker.example.com.",
    ],
)
def test_addresses_plain_names_and_the_workers_own_are_known(host):
    assert answer("PUT", ("host", host)) == (0, "")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8083", "worker.example.com.evil.example", "1.2.3.4.x"])
def test_a_name_that_a_page_brought_is_refused(host):
    for method in ("GET", "POST"):
        status, message = answer(method, ("host", host))
        assert status == 403
        assert "rest.allowed.hosts" in message


@pytest.mark.parametrize(
    "host", ["", "a b", "user@localhost", "localhost:8083:1", "localhost/x", "[::1", "a\\b", "x:80x"]
)
def test_what_is_no_host_is_refused(host):
    assert answer("GET", ("host", host))[0] == 400


def test_a_client_that_sends_no_host_is_no_browser():
    assert answer("GET") == (0, "")


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("db.example", "db.example", 0),
        ("db.example", "x.db.example", 403),
        (".svc.cluster.local", "connect.shop.svc.cluster.local:8083", 0),
        (".svc.cluster.local", "evilsvc.cluster.local", 403),
        ("*", "anything.example", 0),
    ],
)
def test_more_names_can_be_allowed(allowed, host, status):
    assert answer("GET", ("host", host), allowed=[allowed])[0] == status


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://localhost:8083", "localhost:8083", 0),
        ("https://worker.example.com", "worker.example.com", 0),
        ("http://localhost:3000", "localhost:8083", 403),
        ("http://evil.example", "localhost:8083", 403),
        ("http://10.0.0.1", "10.0.0.2", 403),
        ("https://console.example", "localhost:8083", 0),
        ("null", "localhost:8083", 403),
        ("http://[", "localhost:8083", 403),
    ],
)
def test_pages_of_other_sites_change_nothing(origin, host, status):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert answer(method, ("host", host), ("origin", origin), allowed=["console.example"])[0] == status
    assert answer("GET", ("host", host), ("origin", origin))[0] == 0
