"""Declared options: a component says once what can be configured; parsing, validation and docs come from it.

Types and importance are those of ``org.apache.kafka.common.config.ConfigDef``. Values arrive as strings (JSON
numbers, booleans and null are taken too) and leave parsed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

HIDDEN = "[hidden]"


class OptionType(StrEnum):
    """``ConfigDef.Type``."""

    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    INT = "INT"
    LONG = "LONG"
    DOUBLE = "DOUBLE"
    LIST = "LIST"
    CLASS = "CLASS"
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a type


class Importance(StrEnum):
    """``ConfigDef.Importance``."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Width(StrEnum):
    """``ConfigDef.Width``: how much room a form gives the value."""

    NONE = "NONE"
    SHORT = "SHORT"
    MEDIUM = "MEDIUM"
    LONG = "LONG"


class Required:
    """The default of an option that has none: leaving it out is an error."""


REQUIRED = Required()
Validator = Callable[[Any], str | None]
"""Takes the parsed value; gives what is wrong with it, or None."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``default`` is a parsed value, `REQUIRED`, or None for "not set".

    For forms: ``label`` is what people call it (its name where that is empty), ``group`` what it belongs to, ``order``
    its place there, from 1; see `grouped`. ``choices`` are values to offer, among others. ``without_effect`` is why an
    option of the original that may be given changes nothing here, empty where there is nothing to say; None for every
    other.
    """

    name: str
    type: OptionType
    default: Any
    doc: str
    importance: Importance = Importance.MEDIUM
    validator: Validator | None = None
    label: str = ""
    width: Width = Width.NONE
    group: str | None = None
    order: int = -1
    choices: tuple[str, ...] = ()
    without_effect: str | None = None

    @property
    def recommended(self) -> tuple[str, ...]:
        """The values to offer: all that may be given, where they are few."""
        return self.validator.allowed if isinstance(self.validator, OneOf) else self.choices

    def text(self, value: Any) -> str | None:
        """A parsed value as it would be written in a configuration; a secret is hidden."""
        if value is None or isinstance(value, Required):
            return None
        if self.type is OptionType.PASSWORD:
            return HIDDEN
        return ",".join(value) if self.type is OptionType.LIST else as_text(value)


def grouped(group: str, *options: Option) -> tuple[Option, ...]:
    """The options as members of ``group``, in this order."""
    return tuple(replace(option, group=group, order=number) for number, option in enumerate(options, start=1))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value of an option."""

    option: str
    message: str


class ConfigError(ValueError):
    """A configuration that can't be taken; the text is Kafka Connect's, with every problem on a line of its own."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(problem.message for problem in self.problems)
        super().__init__(
            f"Connector configuration is invalid and contains the following {len(self.problems)} error(s):\n{lines}\n"
            "You can also find the above list of errors at the endpoint"
            " `/connector-plugins/{connectorType}/config/validate`"
        )


class Config(Mapping[str, Any]):
    """Parsed values by option name; secrets never show in its `repr`."""

    def __init__(self, values: Mapping[str, Any], secrets: frozenset[str], raw: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._secrets = secrets
        self.raw = dict(raw)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown = {name: HIDDEN if name in self._secrets else value for name, value in self._values.items()}
        return f"Config({shown!r})"


class OneOf:
    """A `Validator` that can say what is allowed; see `one_of` and `exactly_one_of`."""

    def __init__(self, allowed: tuple[str, ...], *, any_case: bool) -> None:
        self.allowed = allowed
        self._any_case = any_case
        self._known = {word.lower() for word in allowed} if any_case else set(allowed)

    def __call__(self, value: str | None) -> str | None:
        if value is None or (value.lower() if self._any_case else value) in self._known:
            return None
        return f"String must be one of{' (case insensitive)' if self._any_case else ''}: {', '.join(self.allowed)}"


def one_of(*allowed: str) -> OneOf:
    """A value among ``allowed``, whatever its case."""
    return OneOf(allowed, any_case=True)


def exactly_one_of(*allowed: str) -> OneOf:
    """A value among ``allowed``, as they are written."""
    return OneOf(allowed, any_case=False)


def at_least(least: float) -> Validator:
    """A number not below ``least``."""

    def check(value: float | None) -> str | None:
        return None if value is None or value >= least else f"Value must be at least {least}"

    return check


def between(least: float, most: float) -> Validator:
    """A number from ``least`` to ``most``."""

    def check(value: float | None) -> str | None:
        return at_least(least)(value) or (
            f"Value must be no more than {most}" if value is not None and value > most else None
        )

    return check


def regex_list(patterns: list[str] | None) -> str | None:
    """Every member is a regular expression."""
    for pattern in patterns or ():
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            return f"{pattern!r} is not a regular expression: {error}"
    return None


def not_blank(value: str | None) -> str | None:
    """Something stands there."""
    return None if value and value.strip() else "String must be non-empty"


def trim(text: str) -> str:
    """``java.lang.String.trim``: without spaces and control characters around it."""
    return text.strip("".join(map(chr, range(0x21))))


_INTEGER_BITS = {OptionType.INT: 32, OptionType.LONG: 64}


def _parse(kind: OptionType, text: str) -> Any:
    """``ConfigDef.parseType``; raises ValueError with its reason."""
    if kind is OptionType.PASSWORD:
        return text
    text = trim(text)
    if kind is OptionType.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ValueError("Expected value to be either true or false")
        return text.lower() == "true"
    if kind in _INTEGER_BITS:
        if not re.fullmatch(r"[+-]?\d{1,20}", text) or abs(int(text)) >> (_INTEGER_BITS[kind] - 1):
            raise ValueError(f"Not a number of type {kind}")
        return int(text)
    if kind is OptionType.DOUBLE:
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"Not a number of type {kind}") from None
    if kind is OptionType.LIST:
        return [part.strip() for part in text.split(",")] if text else []
    return text


def as_text(value: object) -> str | None:
    """A JSON value of a connector's configuration as the string that Connect makes of it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class ConfigDef:
    """The options of one component, by name.

    ``refused`` holds options of the original that are known and not supported, with the one value (the original's
    default) that may be given all the same; a name that ends in a dot refuses all that start with it. ``ignored``
    holds names, or prefixes ending in a dot, of options of the original that have no effect here, with the reason, or
    an empty one where there is nothing to say. ``exclusive`` holds pairs of options of which only one may be given.
    """

    def __init__(
        self,
        *options: Option,
        refused: Mapping[str, str] | None = None,
        ignored: Mapping[str, str] | None = None,
        exclusive: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.options = {option.name: option for option in options}
        self.refused = dict(refused or {})
        self.ignored = dict(ignored or {})
        self.exclusive = tuple(exclusive)

    def __add__(self, other: ConfigDef) -> ConfigDef:
        return ConfigDef(
            *self.options.values(),
            *other.options.values(),
            refused={**self.refused, **other.refused},
            ignored={**self.ignored, **other.ignored},
            exclusive=(*self.exclusive, *other.exclusive),
        )

    def why_ignored(self, name: str) -> str | None:
        """Why an option of the original changes nothing here; None for every other name."""
        if name in self.options:
            return self.options[name].without_effect
        if name in self.refused:
            return None
        if name in self.ignored:
            return self.ignored[name]
        return next(
            (why for prefix, why in self.ignored.items() if prefix[-1] == "." and name.startswith(prefix)), None
        )

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the options that hold a secret."""
        return frozenset(name for name, option in self.options.items() if option.type is OptionType.PASSWORD)

    def parse(self, raw: Mapping[str, str]) -> Config:
        """Every declared option's value. Raises `ConfigError` with all problems at once."""
        values, problems = self.check(raw)
        if problems:
            raise ConfigError(problems)
        return Config(values, self.secrets, raw)

    def check(self, raw: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
        """The value of every declared option that has a good one, and what is wrong with the others."""
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        for option in self.options.values():
            try:
                values[option.name] = self._value(option, raw.get(option.name))
            except ValueError as error:
                problems.append(Problem(option.name, str(error)))
        problems += (
            Problem(name, f"The option {name} is not supported yet: remove it")
            for name, value in raw.items()
            if self._is_refused(name, value)
        )
        problems += (
            Problem(second, f'Invalid value {raw[second]} for configuration {second}: "{first}" is already specified')
            for first, second in self.exclusive
            if values.get(first) and values.get(second)
        )
        return values, problems

    def _is_refused(self, name: str, value: str) -> bool:
        if name in self.refused:
            return value.strip().lower() != self.refused[name].lower()
        return any(prefix[-1] == "." and name.lower().startswith(prefix) for prefix in self.refused)

    @staticmethod
    def _value(option: Option, text: str | None) -> Any:
        if text is None:
            if isinstance(option.default, Required):
                raise ValueError(f'Missing required configuration "{option.name}" which has no default value.')
            return option.default
        shown = HIDDEN if option.type is OptionType.PASSWORD else trim(text)
        try:
            value = _parse(option.type, text)
        except ValueError as error:
            raise ValueError(f"Invalid value {shown} for configuration {option.name}: {error}") from None
        reason = option.validator(value) if option.validator else None
        if reason:
            raise ValueError(f"Invalid value {shown} for configuration {option.name}: {reason}")
        return value

    def nearest(self, name: str) -> str | None:
        """The declared option that an unknown ``name`` was probably meant to be."""
        close = difflib.get_close_matches(name, self.options, n=1, cutoff=0.8)
        return close[0] if close else None
