"""All workloads, in the order in which they run."""

from typing import Any

from bench.workload import Workload
from bench.workloads import mongodb, mysql

WORKLOADS: tuple[Workload[Any], ...] = (*mysql.WORKLOADS, *mongodb.WORKLOADS)
