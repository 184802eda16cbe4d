"""Headwater beside Debezium, on the same log, in one run: see ``docs/performance.md``."""
