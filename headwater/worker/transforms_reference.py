"""The reference page of transforms and predicates, from what they say of themselves and their declared options.

``python -m headwater.worker.transforms_reference > docs/reference/transforms.md`` writes it anew.
"""

from __future__ import annotations

import inspect
import sys

from headwater.config import ConfigDef, Option, Required, as_text
from headwater.plugins import transform_modules

_HEAD = """\
# Transforms and predicates

A connector's transforms change its messages one after the other, each as Kafka Connect's or Debezium's own does. They
are configured as there:

```json
"transforms": "outbox,mask",
"transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
"transforms.outbox.table.expand.json.payload": "true",
"transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Key",
"transforms.mask.fields": "email",
"transforms.mask.predicate": "is_customer",
"predicates": "is_customer",
"predicates.is_customer.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
"predicates.is_customer.pattern": ".*\\\\.customers"
```

A type is the class in full, its last part (`EventRouter`, `MaskField$Key`) or a short name (`event_router`,
`mask_field$key`). With `negate=true` a transform takes the messages that its predicate does not hold for. Everything a
connector sends passes through its transforms: rows, tombstones, schema changes and heartbeats.

What a transform does is decided once for a table, when its first row comes: a renamed field or another topic costs
nothing per row. Only where it depends on a value (the topic that a column names, JSON that is expanded) it is decided
once for each such value; the %(routes)s most recent are kept. `headwater explain` prints the result.

A message that a transform can't change stops the task, or goes where
[`errors.tolerance`](../errors.md) says.

The value of a message must have a schema, as all that connectors send have.

## Trying them out

`headwater preview connector.json --table shop.orders` prints what becomes of a row that the table has now: the message
before the transforms, what each of them changes, and how many bytes that is in JSON with and without schemas, Avro and
Protobuf. `--operation update` or `delete` shows the row as if that had happened to it, `--json` is for programs. No
offset is touched and nothing is sent.

## Expressions

Debezium's `Filter` and `ContentBasedRouter` take an expression, in Debezium one of Groovy or another language of the
JVM. Here it is one of [CEL](https://cel.dev), the Common Expression Language, by the package
[common-expression-language](https://pypi.org/project/common-expression-language/): `pip install 'headwater[cel]'`. An
expression of CEL always ends, and can neither change anything nor reach outside of the message. `language` must be
`cel`; an error says so where it is `jsr223.groovy`, and whether the expression can stay as it is. What differs most:

| Groovy | CEL |
| --- | --- |
| `value.op == 'u' && value.before.id == 2` | the same |
| `value.after?.id == 2` | `value.after != null && value.after.id == 2` |
| `topic.endsWith('orders')` | the same |
| `value.name ==~ /A.*/` | `value.name.matches('^A.*$')` |
| `valueSchema.field('id') != null` | `has(value.after.id)` |
| `valueSchema.name()` | `valueSchema.name` |
| `header.kind.value == 'x'` | the same; `has(header.kind)` asks whether there is one |
| `value.price * 2` | `value.price * 2.0`: numbers of two types compare, but don't add or multiply |

The variables are Debezium's: `topic`, `key`, `value`, `keySchema`, `valueSchema` (with `name`, `version`, `type`,
`optional`, `doc` and `parameters`) and `header`. A Decimal is a double, a document of MongoDB is text. An expression
that names a field that isn't there, or that of a null, can't be evaluated: the message stops the task, or is tolerated.
Only the columns that an expression names are read for it.

This page is made from the declared options of the modules in `headwater/transforms/` and `headwater/predicates/`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    from headwater.plan import MOST_ROUTES

    sections = []
    for module, class_names in transform_modules():
        title = class_names[0].rpartition(".")[2].partition("$")[0]
        described = inspect.cleandoc(module.__doc__ or "").split("\n\nSource:")[0]
        text = described.partition(": ")[2].replace("``", "`")
        names = ", ".join(f"`{name}`" for name in class_names)
        sections.append(f"\n## {title}\n\n{names}\n\n{text[:1].upper()}{text[1:]}\n{_table(module.OPTIONS)}")
    return _HEAD % {"routes": f"{MOST_ROUTES:,}"} + "".join(sections)


def _table(options: ConfigDef) -> str:
    if not options.options:
        return ""
    rows = "".join(map(_row, options.options.values()))
    return f"\n| Option | Type | Default | |\n| --- | --- | --- | --- |\n{rows}"


def _row(option: Option) -> str:
    doc = option.doc.replace("|", "\\|")
    return f"| `{option.name}` | {option.type} | {_default(option.default)} | {doc} |\n"


def _default(value: object) -> str:
    if isinstance(value, Required):
        return "required"
    if value is None or value in ("", []):
        return ""
    return f"`{as_text(value)}`"


if __name__ == "__main__":
    sys.stdout.write(page())
