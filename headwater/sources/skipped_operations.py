"""``skipped.operations``: changes that are left out, as Debezium's option of that name says."""

from __future__ import annotations

from headwater.config import Importance, Option, OptionType, Width

_KNOWN = {"c", "u", "d", "t", "none"}


def skipped_operations(text: str | None) -> set[str]:
    """The operations that the option's value names."""
    return {part.strip().lower() for part in (text or "").split(",") if part.strip()}


def _check(text: str | None) -> str | None:
    unknown = skipped_operations(text) - _KNOWN
    return f"must be none or some of c, u, d, t, not {', '.join(sorted(unknown))}" if unknown else None


OPTION = Option(
    "skipped.operations",
    OptionType.STRING,
    "t",
    "Changes to leave out: c, u, d, or none.",
    Importance.LOW,
    _check,
    label="Skipped Operations",
    width=Width.SHORT,
)
