"""What a worker tells of its health."""

import fcntl

import httpx

from tests.worker_process import DEADLINE, WorkerProcess, wait_until


def test_a_worker_that_has_started_is_healthy(worker):
    answer = worker.request("GET", "/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "message": "Worker has completed startup and is ready to handle requests.",
    }


def test_a_worker_that_waits_for_tasks_of_an_earlier_one_is_starting(tmp_path, kafka_bootstrap):
    worker = WorkerProcess(tmp_path, kafka_bootstrap)
    with worker.state_file.with_name("worker.db.tasks").open("w") as survivor:
        fcntl.flock(survivor, fcntl.LOCK_SH)
        worker.launch()
        wait_until("the worker to listen", worker.log_entries)
        (starting,) = worker.log_entries()
        answer = httpx.get(f"{starting['rest'][0]}/health", timeout=DEADLINE)
        assert answer.status_code == 503
        assert answer.json() == {"status": "starting", "message": "Worker is still starting up."}
    worker.wait_for_answer()
    assert worker.request("GET", "/health").json()["status"] == "healthy"
    assert worker.stop() == 0
