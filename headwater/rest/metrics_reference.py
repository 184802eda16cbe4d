"""The reference page of the metrics, from the families that are declared.

``python -m headwater.rest.metrics_reference > docs/reference/metrics.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from headwater.rest.metric_families import TASK_FAMILIES, WORKER_FAMILIES, Family

_HEAD = """\
# Metrics

`GET /metrics` on the worker's listener gives Prometheus' text format. In Prometheus' configuration:

```yaml
scrape_configs:
  - job_name: headwater
    static_configs: [{targets: ["localhost:8083"]}]
```

A task tells its worker once a second how it stands; memory and CPU time are read when they are asked for. Counters go
on when a task is started again, and start from 0 with the worker. No metric has the text of an error, a table's name or
anything else of which there may be many; texts are in the status (`GET /connectors/NAME/status`).

Worth an alert:

| | |
| --- | --- |
| a task that someone has to look at | `headwater_task_state{state="FAILED"} == 1` |
| a process that dies again and again | `increase(headwater_task_errors_total{kind="process"}[15m]) > 2` |
| delivery that falls behind | `headwater_task_lag_seconds > 60` |
| a sink that takes nothing | `min_over_time(headwater_task_unacknowledged_records[5m]) > 0` \
and `rate(headwater_task_offset_commits_total[5m]) == 0` |

Records a second are `rate(headwater_task_records_sent_total[1m])`.

The last column names what a metric answers to in Kafka Connect's JMX (names with hyphens) and in Debezium's.
"""

_TASK_HEAD = """
## Tasks

Each has the labels `connector` and `task` besides those named.

"""

_WORKER_HEAD = """
## Worker

"""

_LIBRARY = """
`process_…` (CPU time, memory, open files of the worker's own process) and `python_info` are what every Python program
gives that uses Prometheus' client library.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "".join((_HEAD, _TASK_HEAD, *_table(TASK_FAMILIES), _WORKER_HEAD, *_table(WORKER_FAMILIES), _LIBRARY))


def _table(families: Iterable[Family]) -> Iterable[str]:
    yield "| Metric | Type | Labels | | In JMX |\n| --- | --- | --- | --- | --- |\n"
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        yield f"| `{family.name}` | {family.kind} | {labels} | {family.doc} | {family.jmx} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
