"""Paths, the names in them, and query parameters."""

from tests.conformance.rest.differences import ANY_NAME, BAD_URL, PLUGINS, SEMICOLON, UNKNOWN, UNLABELLED
from tests.conformance.rest.exchange import delete, get, patch, post, put

CONNECTOR_PATHS = ("", "/config", "/status", "/tasks", "/tasks/0/status", "/offsets", "/topics")

NAMES = (
    "nobody",
    "no%20body",
    "no+body",
    "n%C3%B6body",
    "%E4%BA%BA",
    "%F0%9F%90%98",
    "no'body",
    "no:body@a=b&c$d!*()~",
)
"""Of connectors that do not exist, as they stand in a path."""


def test_an_empty_worker_shows_nothing(pair):
    pair.same(get("/"), get("/connectors"), get("/connectors?expand=info"), get("/connectors?expand=status"))


def test_paths_that_lead_nowhere(pair):
    pair.differ(
        UNLABELLED,
        *map(
            get, ("/nothing", "/favicon.ico", "/Connectors", "/connector", "/connectorplugins", "/admin", "/health/x")
        ),
        *(get(f"/connectors/nobody/{path}") for path in ("nothing", "tasks-config", "Status", "config/x", "tasks/0")),
        *map(post, ("/nothing", "/connectors/nobody/nothing")),
        delete("/nothing"),
    )


def test_trailing_slashes_and_relative_segments(pair):
    pair.same(*map(get, ("/connectors/", "/connectors/nobody/", "/connectors/nobody/status/")))
    pair.differ(PLUGINS, get("/connector-plugins/"))
    pair.same(get("/connectors/."), get("/connectors/.."), get("/connectors/nobody/tasks/"))
    pair.differ(UNLABELLED, get("/connectors/nobody/tasks/0/"), get("/connectors/../connectors"))
    pair.differ(
        BAD_URL, *map(get, ("//connectors", "/connectors//", "/connectors//nobody", "/connectors/nobody//status"))
    )


def test_addresses_that_are_not_well_formed(pair):
    pair.differ(BAD_URL, *(get(f"/connectors/{name}") for name in ("%", "%zz", "no%0", "%FF", "%C3", "no%ED%A0%80")))
    pair.differ(
        BAD_URL, *(get(f"/connectors/{name}") for name in ("no%00body", "no%0Abody", "no%7Fbody", "%2e%2e", "%2e"))
    )
    pair.differ(
        BAD_URL, *(get(f"/connectors/{name}") for name in ('no"body', "no<body>", "no\\body", "no^body", "no|body"))
    )
    pair.differ(BAD_URL, get("*"))
    pair.same(get("http://127.0.0.1/connectors"))


def test_names_that_only_headwater_can_be_asked_for(pair):
    pair.differ(
        ANY_NAME, *(get(f"/connectors/no{c}body") for c in ("%2F", "%2f", "%5C", "%25")), connect=400, headwater=404
    )


def test_a_semicolon_belongs_to_the_name(pair):
    pair.differ(SEMICOLON, get("/connectors/no;body"), get("/connectors/no;a=b/status"), get("/connectors;a=b/nobody"))
    pair.same(get("/connectors/no%3Bbody"))


def test_connectors_that_do_not_exist(pair):
    for name in NAMES:
        path = f"/connectors/{name}"
        pair.same(*(get(path + below) for below in CONNECTOR_PATHS))
        pair.same(put(f"{path}/pause"), put(f"{path}/resume"), delete(path), delete(f"{path}/offsets"))
        pair.differ(UNKNOWN, put(f"{path}/stop"), connect=500, headwater=404)
        pair.differ(
            UNKNOWN, *(post(path + below) for below in ("/restart", "/tasks/0/restart")), connect=500, headwater=404
        )
    pair.same(patch("/connectors/nobody/config", {"a": "b"}), post("/connectors/nobody/restart?includeTasks=true"))
    pair.same(patch("/connectors/nobody/offsets", {"offsets": [{"partition": {"a": "b"}, "offset": {"c": 1}}]}))
    pair.same(put("/connectors/nobody/topics/reset"))


def test_numbers_of_tasks(pair):
    numbers = (
        "1",
        "-1",
        "+1",
        "007",
        "2147483647",
        "2147483648",
        "99999999999",
        "x",
        "1.5",
        "1e1",
        "%30",
        "%20",
        "0x1",
    )
    pair.same(*(get(f"/connectors/nobody/tasks/{number}/status") for number in numbers))


def test_query_parameters_that_mean_nothing(pair):
    pair.same(
        *map(get, ("/?a=b", "/connectors?", "/connectors?a&b=&c=%20", "/connectors?EXPAND=info", "/connectors?="))
    )
    pair.same(*(get(f"/connectors?expand{value}") for value in ("", "=", "=nonsense", "=INFO", "=info&expand=status")))
    pair.same(get("/connectors/nobody?forward=true"), get("/connectors/nobody?forward=maybe"))
    pair.same(put("/connectors/nobody/pause?forward=false"))
