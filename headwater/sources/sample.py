"""Which table a name means, for those who want to see some of its rows."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.source import SourceError

_MOST_NAMED = 20


def find_table(wanted: str, captured: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The table that ``DATABASE.TABLE`` or ``TABLE`` names among those captured.

    Raises `SourceError` where it is none of them, or more than one.
    """
    names = list(captured)
    found = [name for name in names if wanted in (".".join(name), name[1])]
    exact = [name for name in found if ".".join(name) == wanted]
    if len(exact or found) == 1:
        return (exact or found)[0]
    known = ", ".join(".".join(name) for name in (found or names)[:_MOST_NAMED])
    more = ", …" if len(found or names) > _MOST_NAMED else ""
    if found:
        raise SourceError(f"{wanted} is the name of more than one table: say which of {known}{more}")
    raise SourceError(
        f"the connector captures no table {wanted}: "
        + (f"it captures {known}{more}" if names else "there is none that its filters allow, or that its user may see")
    )
