"""Methods, and what both sides say of their media types."""

import pytest

from tests.conformance.rest.differences import (
    BAD_BODY,
    BAD_MEDIA_TYPE,
    CHARSET,
    INTERNAL,
    OTHER_HOSTS,
    OWN_PATHS,
    PLUGINS,
    UNLABELLED,
)
from tests.conformance.rest.exchange import Request, get, post

METHODS = {
    "/": "GET",
    "/connectors": "GET POST",
    "/connectors/nobody": "GET DELETE",
    "/connectors/nobody/config": "GET PUT PATCH",
    "/connectors/nobody/status": "GET",
    "/connectors/nobody/topics": "GET",
    "/connectors/nobody/topics/reset": "PUT",
    "/connectors/nobody/pause": "PUT",
    "/connectors/nobody/resume": "PUT",
    "/connectors/nobody/stop": "PUT",
    "/connectors/nobody/restart": "POST",
    "/connectors/nobody/offsets": "GET PATCH DELETE",
    "/connectors/nobody/tasks/0/status": "GET",
    "/connectors/nobody/tasks/0/restart": "POST",
    "/connector-plugins": "GET",
    "/connector-plugins/Nothing/config": "GET",
    "/connector-plugins/Nothing/config/validate": "PUT",
    "/admin/loggers": "GET",
    "/admin/loggers/root": "GET PUT",
    "/health": "GET",
}

CHANGES = (
    ("POST", "/connectors"),
    ("PUT", "/connectors/nobody/config"),
    ("PATCH", "/connectors/nobody/config"),
    ("PATCH", "/connectors/nobody/offsets"),
    ("PUT", "/connector-plugins/MySqlConnector/config/validate"),
    ("PUT", "/admin/loggers/root"),
)
"""What takes a JSON body."""
BODILESS = (
    ("DELETE", "/connectors/nobody"),
    ("DELETE", "/connectors/nobody/offsets"),
    ("PUT", "/connectors/nobody/pause"),
    ("PUT", "/connectors/nobody/resume"),
    ("PUT", "/connectors/nobody/topics/reset"),
)
OTHER_TYPES = (
    "text/plain",
    "application/xml",
    "text/json",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
)


@pytest.mark.parametrize("path", METHODS)
def test_methods(pair, path):
    allowed = set(METHODS[path].split())
    refused = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get"} - allowed
    pair.differ(UNLABELLED, *(Request(method, path, headers={}) for method in sorted(refused)))
    pair.same(Request("OPTIONS", path, headers={}))
    head = Request("HEAD", path, headers={})
    if "GET" in allowed:
        pair.same(head)
    else:
        pair.differ(UNLABELLED, head)


def test_requests_among_workers(pair):
    tasks = "/connectors/nobody/tasks"
    pair.same(get(tasks), Request("HEAD", tasks))
    pair.differ(INTERNAL, post(tasks, []), connect=500, headwater=405)
    pair.differ(INTERNAL, Request("OPTIONS", tasks))


@pytest.mark.parametrize("media_type", OTHER_TYPES)
def test_bodies_of_other_types_are_refused(pair, media_type):
    pair.differ(UNLABELLED, *(Request(*change, b"{}", {"Content-Type": media_type}) for change in CHANGES))
    pair.differ(UNLABELLED, *(Request(*change, None, {"Content-Type": media_type}) for change in (*CHANGES, *BODILESS)))


def test_other_spellings_of_json(pair):
    body = b'{"connector.class": "nonsense"}'
    for spelling in ("APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8"):
        headers = {"Content-Type": spelling}
        pair.same(*(Request(*change, None, headers) for change in BODILESS))
        pair.same(Request("PUT", "/connectors/nobody/config", body, headers))
    headers = {"Content-Type": "nonsense"}
    pair.differ(BAD_MEDIA_TYPE, *(Request(*change, body, headers) for change in CHANGES), connect=400, headwater=415)


def test_what_has_no_body_needs_no_type(pair):
    pair.same(*(Request(*change, None, {}) for change in BODILESS))


def test_a_body_needs_a_type(pair):
    pair.same(*(Request(*change, b"{}", {}) for change in CHANGES))


@pytest.mark.parametrize(
    "body", [None, b"", b"null", b"[]", b"5", b'"x"', b"{", b"nonsense", b"\xff", b"{'a': 1}", b"{} {}"]
)
def test_bodies_that_are_not_what_is_asked_for(pair, body):
    changes = [change for change in CHANGES if change != ("PATCH", "/connectors/nobody/config")]
    pair.differ(BAD_BODY, *(Request(*change, body) for change in changes), connect=500, headwater=400)


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "APPLICATION/JSON", "text/html, */*;q=0.8", "", "application/json;q=0.1"]
)
def test_answers_that_are_accepted(pair, accept):
    pair.same(*(get(path, Accept=accept) for path in ("/", "/connectors", "/connectors/nobody")))
    pair.differ(PLUGINS, get("/connector-plugins", Accept=accept))
    pair.same(Request("DELETE", "/connectors/nobody", headers={"Accept": accept}))


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/xml", "nonsense", "application/jsonp"])
def test_answers_that_are_not_accepted(pair, accept):
    pair.differ(
        UNLABELLED, *(get(path, Accept=accept) for path in ("/", "/connectors", "/connectors/nobody", "/health"))
    )
    pair.differ(UNLABELLED, Request("PUT", "/connectors/nobody/pause", headers={"Accept": accept}))


def test_the_character_set_is_not_chosen(pair):
    pair.differ(CHARSET, get("/connectors", Accept="application/json;charset=utf-8"))


def test_hosts_and_origins(pair):
    pair.same(*(get("/connectors", Host=host) for host in ("localhost", "LOCALHOST:8083", "127.0.0.1:1", "[::1]:8083")))
    pair.same(get("/connectors", Origin="http://elsewhere.example"))
    pair.differ(OTHER_HOSTS, get("/connectors", Host="elsewhere.example"), connect=200, headwater=403)
    change = Request("PUT", "/connectors/nobody/pause", headers={"Origin": "http://elsewhere.example"})
    pair.differ(OTHER_HOSTS, change, connect=404, headwater=403)


def test_paths_of_our_own(pair):
    pair.differ(OWN_PATHS, get("/metrics"), get("/openapi.json"), connect=404, headwater=200)
