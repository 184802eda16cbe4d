"""The reference page of a connector, from its declared options."""

from __future__ import annotations

from headwater.config import Option, Required
from headwater.source import SourceConnector

_OPTIONS_HEAD = """
## Options

| Option | Type | Default | |
| --- | --- | --- | --- |
"""

_REFUSED_HEAD = """
## Options of Debezium that are not supported yet

They are refused when the connector is created, unless they have Debezium's default.

| Option | Taken with |
| --- | --- |
"""

_IGNORED_HEAD = """
## Options of Debezium that have no effect here

They are taken, with a line in the log.

"""

_DEPRECATED_HEAD = """
## Older names

They are taken, with a line in the log.

| Name | Taken as |
| --- | --- |
"""


def page(head: str, connector: SourceConnector) -> str:
    """The whole page, in Markdown; ``head`` is what stands before the options."""
    options = connector.options
    refused = sorted(options.refused.items())
    ignored = sorted(options.ignored.items())
    return "".join(
        (
            head,
            _OPTIONS_HEAD,
            *(_row(option) for option in options.options.values()),
            _REFUSED_HEAD,
            *(f"| `{_name(name)}` | {f'`{value}`' if value else ''} |\n" for name, value in refused),
            _IGNORED_HEAD,
            *(f"- `{_name(name)}`{f': {why}' if why else ''}\n" for name, why in ignored),
            _DEPRECATED_HEAD,
            *(f"| `{old}` | `{new}` |\n" for old, new in sorted(connector.deprecated.items())),
        )
    )


def _row(option: Option) -> str:
    return f"| `{option.name}` | {option.type} | {_default(option.default)} | {option.doc} |\n"


def _default(value: object) -> str:
    if isinstance(value, Required):
        return "required"
    if value is None:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _name(name: str) -> str:
    return f"{name}…" if name.endswith(".") else name
