"""What a task reports of itself, and the page that says which metrics there are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from headwater.chain import Chain
from headwater.conversion import Conversion
from headwater.meter import Meter
from headwater.plan import Converters
from headwater.report import Report
from headwater.rest.metrics_reference import page
from headwater.sink import RetriableSinkError
from headwater.source import EMPTY, Batch, RetriableSourceError, SourceProgress
from headwater.tolerance import Rejections, Tolerance
from headwater.worker.task_record import TaskRecord
from tests.unit.test_pipeline import JSON, Broker, Log, record

STRICT = Tolerance()
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def new_conversion():
    return Conversion(Log([]), Chain(), Converters(JSON, JSON, JSON), STRICT, Rejections(STRICT, lambda _: None))


@pytest.fixture
def conversion():
    return new_conversion()


@pytest.fixture
def meter(conversion):
    """The meter of a session that has begun."""
    meter = Meter()
    meter.begin(Log([]), Broker(), conversion)
    return meter


def committed(seconds_ago):
    return Batch([record("x")], None, event_time=time.time() - seconds_ago)


def test_nothing_is_known_of_the_lag_before_anything_was_read(meter):
    assert meter.report().lag_seconds is None


def test_the_lag_is_that_of_the_change_that_was_handled_last(meter):
    meter.take(committed(seconds_ago=100))
    meter.wait(committed(seconds_ago=100))
    assert 100 <= meter.report().lag_seconds < 160


def test_the_lag_grows_while_a_batch_is_under_way(meter):
    meter.take(committed(seconds_ago=0))
    meter.wait(committed(seconds_ago=0))
    meter.take(committed(seconds_ago=100))
    assert meter.report().lag_seconds >= 100


def test_a_log_that_is_read_to_its_end_has_no_lag(meter):
    for batch in (committed(seconds_ago=100), EMPTY):
        meter.take(batch)
        meter.wait(batch)
    assert meter.report().lag_seconds == 0


def test_a_server_whose_clock_is_ahead_makes_no_negative_lag(meter):
    meter.wait(committed(seconds_ago=-100))
    assert meter.report().lag_seconds == 0


def test_the_counts_of_a_session_stay_when_the_next_begins(meter, conversion):
    conversion.record(record("x"))
    meter.end()
    meter.retry(RetriableSinkError("away"))
    assert meter.report().records == {"": 1}
    meter.begin(Log([]), Broker(), new_conversion())
    report = meter.report()
    assert (report.records, report.retries, report.errors) == ({"": 1}, 1, {"sink": 1})


def test_the_counts_of_a_process_stay_when_the_next_is_started():
    task = TaskRecord()
    task.expect_process()
    task.begin_process(1)
    task.add_report(Report(records={"c": 2, "u": 1}, retries=1, bytes_read=10, lag_seconds=3, unacknowledged=4))
    task.end_process()
    task.add_death()
    assert (task.report.lag_seconds, task.report.unacknowledged) == (None, 0)
    task.expect_process()
    task.begin_process(2)
    for sent in (1, 5):
        task.add_report(Report(records={"c": sent}, commits=1, bytes_read=5))
    assert task.report.records == {"c": 7, "u": 1}
    assert task.report.errors == {"process": 1}
    assert (task.report.retries, task.report.commits, task.report.bytes_read, task.starts) == (1, 1, 15, 2)


def test_an_error_is_told_by_its_class_only():
    meter = Meter()
    meter.error(RetriableSourceError("Access denied for 'cdc' (using password: hunter2)"))
    assert meter.report().last_error.name == "RetriableSourceError"
    assert "hunter2" not in repr(meter.report())


def test_a_source_that_has_not_started_can_be_asked():
    meter = Meter()
    assert meter.report().source is None
    meter.begin(Log([]), Broker(), new_conversion())
    assert meter.report().source == SourceProgress("log", 0)


def test_the_reference_page_is_up_to_date():
    hint = "run: python -m headwater.rest.metrics_reference > docs/reference/metrics.md"
    assert page() == REFERENCE.read_text(), hint
