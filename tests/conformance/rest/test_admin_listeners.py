"""A listener of its own for administration."""

import pytest

from tests.conformance.rest.connect_process import ConnectProcess, free_port
from tests.conformance.rest.differences import LOGGERS, UNLABELLED
from tests.conformance.rest.exchange import Peer, Request, get, put
from tests.conformance.rest.pair import Pair
from tests.worker_process import WorkerProcess

ROOT = "/admin/loggers/root"


@pytest.fixture(scope="module")
def listeners(tmp_path_factory, kafka_bootstrap):
    """(both on their main listeners, both on the others)."""
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    folders = [tmp_path_factory.mktemp(name) for name in ("connect", "headwater")]
    with (
        ConnectProcess(folders[0], kafka_bootstrap, **{"admin.listeners": urls[0]}) as connect,
        WorkerProcess(folders[1], kafka_bootstrap, **{"admin.listeners": urls[1]}) as headwater,
    ):
        connect.wait_for_answer()
        yield (
            Pair(Peer("Kafka Connect", connect.url, "1"), Peer("Headwater", headwater.url, "2")),
            Pair(Peer("Kafka Connect", urls[0], "1"), Peer("Headwater", urls[1], "2")),
        )


def test_administration_is_there_and_nothing_else(listeners):
    main, admin = listeners
    main.same(get("/"), get("/health"), get("/connectors"))
    main.differ(UNLABELLED, get(ROOT), get("/admin/loggers"), put(ROOT, {"level": "INFO"}), Request("OPTIONS", ROOT))
    admin.same(get(ROOT), get("/admin/loggers/no.such.logger"), Request("OPTIONS", ROOT))
    admin.differ(LOGGERS, get("/admin/loggers"), put(ROOT, {"level": "ERROR"}))
    admin.same(get(ROOT))
    admin.differ(UNLABELLED, get("/"), get("/health"), get("/connectors"), get("/admin"))
