"""Durations on the command line: ``500ms``, ``30s``, ``5m``, ``12h``, ``7d``, and some may be ``forever``."""

from __future__ import annotations

import re

import click

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """Seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As `click.ParamType.convert`."""
        match = re.fullmatch(r"(\d{1,6})(ms|s|m|h|d)", str(value))
        if match is None:
            self.fail(f"{value!r} is no duration: give a number with ms, s, m, h or d", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


class DurationOrForever(click.ParamType[float | None]):
    """Seconds; None for ever."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """As `click.ParamType.convert`."""
        return None if value == "forever" else DURATION.convert(value, param, ctx)


DURATION = Duration()
DURATION_OR_FOREVER = DurationOrForever()
