"""Keeps secrets out of what people get to see: logs, traces and messages of errors.

Whoever writes an error, a driver for instance, may repeat what it was given. A long secret is found wherever it stands.
A short one may be in a text by chance, so it is found only where it stands alone; and one that could be a word of the
text itself (``the``, ``mysql``) only where a value stands: in quotes, behind ``=``, before a port.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from headwater.config import ConfigError, Problem

_LONG = 8
"""From so many characters on, a secret is not in a text by chance."""
_SHORTEST_PART = 3
"""Parts of a secret that are shorter tell nothing of it."""
_LONGEST_WITH_PARTS = 4096
"""Up to so many characters, the lines and parts of a secret count as secrets by themselves; a longer one is a file."""
_WORD = re.compile(r"[A-Za-z]?[a-z]*|\d{1,2}")
"""What may be a word of any text, or a count in it."""


class Redaction:
    """Takes secrets out of texts, each with what stands in its place; any thread may use it."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        """``secrets``: what must not show, each with what is shown for it."""
        self._shown: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._changing = threading.Lock()
        for secret, shown in (secrets or {}).items():
            self.add(secret, shown)

    def add(self, secret: str, shown: str) -> None:
        """From now on show this in place of the secret, unless something else is shown already."""
        with self._changing:
            for form in _forms(secret):
                if form not in self._shown:
                    self._shown[form] = shown
                    self._pattern = None

    def with_others(self, secrets: Mapping[str, str]) -> Redaction:
        """One that takes out these secrets too, and of this one those that are known so far."""
        redaction = Redaction(secrets)
        with self._changing:
            redaction._shown = {**self._shown, **redaction._shown}
        return redaction

    def __call__(self, text: str) -> str:
        """The text without the secrets that are known so far."""
        if not self._shown:
            return text
        with self._changing:
            if self._pattern is None:
                self._pattern = _any_of(self._shown)
            pattern = self._pattern
        return pattern.sub(lambda match: self._shown[match.group()], text)

    @contextmanager
    def of_errors(self) -> Iterator[None]:
        """Within it a `ConfigError` leaves with its messages redacted, and alone: its cause may show secrets too."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(self.of_problems(error.problems)) from None

    def of_problems(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems with their messages redacted."""
        return [Problem(problem.option, self(problem.message)) for problem in problems]


def _forms(secret: str) -> set[str]:
    """How a secret may be written: whole, by its parts, and as it stands in Python's and JSON's strings."""
    whole = {secret, secret.strip()}
    parts = {part.strip() for line in secret.splitlines() for part in (line, *line.split(","))}
    if len(secret) <= _LONGEST_WITH_PARTS:
        whole |= {part for part in parts if len(part) >= _SHORTEST_PART and any(map(str.isalnum, part))}
    quoted = (repr, ascii, json.dumps, partial(json.dumps, ensure_ascii=False))
    return {form for text in whole for form in (text, *(write(text)[1:-1] for write in quoted)) if form}


def _any_of(secrets: Iterable[str]) -> re.Pattern[str]:
    """Matches any of them, the longest that does."""
    return re.compile("|".join(map(_where_meant, sorted(secrets, key=len, reverse=True))))


def _where_meant(secret: str) -> str:
    text = re.escape(secret)
    if len(secret) >= _LONG:
        return text
    alone = rf"(?<!\w){text}(?!\w)"
    if not _WORD.fullmatch(secret):
        return alone
    places = (
        rf"\A{text}\Z",
        rf"(?<=['\"`]){text}(?=['\"`\\])",
        rf"(?<=[\[({{<]){text}(?=[\])}}>])",
        rf"(?:(?<=[=@])|(?<=//)|(?<=[^\s:]:)){text}(?!\w)",
        rf"(?<!\w){text}(?=@|:\d)",
        rf"(?<=Invalid value ){text}(?= for configuration)",
    )
    return f"(?:{'|'.join(places)})"
