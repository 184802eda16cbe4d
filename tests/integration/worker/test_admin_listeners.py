"""Administration has listeners of its own, or none."""

import httpx

from tests.worker_process import WorkerProcess

LOGGERS = "/admin/loggers"


def test_administration_on_a_listener_of_its_own(tmp_path, kafka_bootstrap):
    with WorkerProcess(tmp_path, kafka_bootstrap, **{"admin.listeners": "http://127.0.0.1:0"}) as worker:
        (started,) = [entry for entry in worker.log_entries() if entry["event"] == "worker started"]
        (admin,) = started["admin"]
        assert admin not in started["rest"]
        assert httpx.get(f"{admin}{LOGGERS}/root").json()["level"] == "INFO"
        for url, path in ((worker.url, LOGGERS), (admin, "/"), (admin, "/connectors"), (admin, "/metrics")):
            assert httpx.get(url + path).status_code == 404
        described = httpx.get(f"{worker.url}/openapi.json").json()["paths"]
        assert "/connectors" in described
        assert not any(path.startswith("/admin") for path in described)
        assert httpx.get(f"{admin}{LOGGERS}", headers={"Host": "rebound.example"}).status_code == 403
        assert worker.stop() == 0


def test_no_administration(tmp_path, kafka_bootstrap):
    with WorkerProcess(tmp_path, kafka_bootstrap, **{"admin.listeners": ""}) as worker:
        assert worker.request("GET", LOGGERS).status_code == 404
        assert worker.request("GET", "/connectors").json() == []


def test_an_address_that_is_taken_is_named(tmp_path, kafka_bootstrap, shared_worker):
    worker = WorkerProcess(tmp_path, kafka_bootstrap, **{"admin.listeners": shared_worker.url})
    worker.launch()
    assert worker.process.wait(60) == 1
    assert f"Can't listen on {shared_worker.url}: Address already in use" in worker.log_text()
    assert "name another address with admin.listeners" in worker.log_text()
