"""A preview as text for people: what each transform changed of a message, and a table of sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.cli.preview import Preview, Stage

_WIDTH = 100
"""Documents that fit stay on one line."""
_PARTS = ("topic", "key", "value", "headers", "partition", "timestamp")
_INDENT = " " * 13


def render(preview: Preview, table: str) -> str:
    """The messages of one row, each part where it is other than before, and the sizes behind each transform."""
    lines = [f"── {table}, row {preview.row} " + "─" * 40]
    before: Mapping[str, Any] = {}
    for stage in preview.stages:
        lines += ["", f"▸ {stage.transform}" if stage.transform else "before the transforms"]
        if stage.message is None:
            lines.append(f"  {stage.error}" if stage.error else "  dropped")
            break
        lines += _changes(before, stage.message)
        before = stage.message
    return "\n".join([*lines, "", *_table(preview.stages), ""])


def _changes(before: Mapping[str, Any], message: Mapping[str, Any]) -> list[str]:
    lines = []
    for part in _PARTS:
        if before and message[part] == before[part]:
            continue
        if not before and message[part] in (None, []) and part not in ("key", "value"):
            continue
        shown = _headers(before.get(part, []), message[part]) if part == "headers" else _document(message[part])
        lines.append(f"  {part:<11}{shown}")
    return lines or ["  as it was"]


def _document(value: Any) -> str:
    short = json.dumps(value, ensure_ascii=False)
    if len(short) <= _WIDTH:
        return short
    return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n" + _INDENT)


def _headers(before: Sequence[Any], headers: Sequence[Any]) -> str:
    """All of them, or where there were some before, those that came and went."""
    marked = [("+ ", header) for header in headers if header not in before]
    gone = [("- ", header) for header in before if header not in headers]
    shown = [
        f"{mark if before else ''}{header['name']}: {json.dumps(header['value'], ensure_ascii=False)}"
        for mark, header in (*gone, *marked)
    ]
    return ("\n" + _INDENT).join(shown)


def _table(stages: Sequence[Stage]) -> list[str]:
    """Bytes of key and value in each converter, a line for each stage."""
    measured = [stage for stage in stages if stage.message is not None]
    titles = list(measured[0].sizes)
    names = [stage.transform or "before" for stage in measured]
    width = max(map(len, ["bytes, key + value", *names]))
    lines = ["  ".join([f"{'bytes, key + value':<{width}}", *(f"{title:>17}" for title in titles)])]
    for name, stage in zip(names, measured, strict=True):
        cells = (f"{_cell(stage.sizes[title]):>17}" for title in titles)
        lines.append("  ".join([f"{name:<{width}}", *cells]))
    return [*lines, *dict.fromkeys(_reasons(measured))]


def _cell(sizes: Mapping[str, int | str]) -> str:
    return " + ".join(f"{size:,}" if isinstance(size, int) else "none" for size in sizes.values())


def _reasons(stages: Sequence[Stage]) -> Iterator[str]:
    for stage in stages:
        for title, sizes in stage.sizes.items():
            for part, size in sizes.items():
                if isinstance(size, str):
                    yield f"  {stage.transform or 'before'}, {title}, {part}: {size}"
