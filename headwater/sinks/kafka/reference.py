"""The reference page of the producer's options, from the table that translates them.

``python -m headwater.sinks.kafka.reference > docs/reference/producer-options.md`` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from headwater.sinks.kafka.options import DEFAULTS, PRODUCER_OPTIONS, ProducerOption

_HEAD = """\
# Kafka producer options

Headwater delivers to Kafka through librdkafka. It takes the option names of Kafka's Java producer, as a Kafka
Connect worker does: `producer.<option>` in the worker's configuration, `producer.override.<option>` in a
connector's, which stands above the worker's. `bootstrap.servers`, `security.protocol`, `sasl.*` and `ssl.*` of
the worker itself hold for the producer too, unless `producer.*` says otherwise.

An option without a counterpart is refused by name when the connector is created; an unknown one is logged and has
no effect. This page is made from the table in `headwater/sinks/kafka/options.py`.
"""

_DEFAULTS_HEAD = """\
## Defaults

Kafka Connect's own defaults are kept where a consumer would notice: every replica acknowledges (`acks=all`), a
message is never given up (`delivery.timeout.ms`, `max.block.ms` without limit), keys choose their partition by
Java's murmur2 hash, a request holds 1 MiB. Where Connect sends one request at a time to keep the order, the
producer here is idempotent and sends five: the brokers keep the order, and a retry is not stored twice.

librdkafka's settings where no option says otherwise:

| Setting | Value |
| --- | --- |
"""

_TAKEN_HEAD = """\
## Options that are taken

| Option | librdkafka's setting | |
| --- | --- | --- |
"""

_REFUSED_HEAD = """\
## Options that are refused

| Option | Reason |
| --- | --- |
"""


def page() -> str:
    """The whole page, in Markdown."""
    translated = [option for option in PRODUCER_OPTIONS.values() if option.translate]
    refused = [option for option in PRODUCER_OPTIONS.values() if not option.translate]
    return "\n".join(
        (
            _HEAD,
            _DEFAULTS_HEAD + "".join(f"| `{name}` | `{str(value).lower()}` |\n" for name, value in DEFAULTS.items()),
            _TAKEN_HEAD + _rows(translated),
            _REFUSED_HEAD + "".join(f"| `{option.name}` | {option.note} |\n" for option in refused),
        )
    )


def _rows(options: Iterable[ProducerOption]) -> str:
    return "".join(
        f"| `{option.name}` | {', '.join(f'`{setting}`' for setting in option.settings)} | {option.note} |\n"
        for option in options
    )


if __name__ == "__main__":
    sys.stdout.write(page())
