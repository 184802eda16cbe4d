"""How a schema comes to the number that its messages carry: registered, looked up, or replaced by the registry's.

Source: ``AbstractKafkaAvroSerializer`` and its likes for Protobuf and JSON Schema (7.0), which agree in this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from headwater.config import Config
from headwater.converter import ConversionError, RetriableConversionError
from headwater.converters.schema_registry.registry import (
    IncompatibleSchemaError,
    NotRegisteredError,
    Registered,
    RegistryError,
    SchemaRegistry,
)

S = TypeVar("S")
"""A schema in the language that it is registered in."""


@dataclass(frozen=True, slots=True)
class Language(Generic[S]):
    """What is asked of schemas of one type.

    ``text``         as it is registered
    ``parse``        a text that a registry holds; raises `ConversionError`
    ``obstacles``    why the first can't read everything that the second one writes; empty where it can
    ``differences``  what changed from the first to the second, for people
    """

    text: Callable[[S], str]
    parse: Callable[[str], S]
    obstacles: Callable[[S, S], list[str]]
    differences: Callable[[S, S], list[str]]


class Registration(Generic[S]):
    """One converter's way with a registry."""

    def __init__(self, config: Config, registry: SchemaRegistry, language: Language[S]) -> None:
        self._config = config
        self._registry = registry
        self._language = language

    def registered(self, subject: str, own: S) -> tuple[int, S]:
        """The number to write, and the schema that it stands for: the message's own, or the registry's.

        Raises `RetriableConversionError` where the registry can't be asked or refuses.
        """
        text = self._language.text(own)
        try:
            if self._config["auto.register.schemas"]:
                return self._registry.register(subject, text), own
            if self._config["use.schema.id"] >= 0:
                theirs = self._registry.by_id(self._config["use.schema.id"])
                return theirs.id, self._parsed(theirs, own, strict=self._config["id.compatibility.strict"])
            if self._config["use.latest.version"]:
                theirs = self._registry.latest(subject)
                return theirs.id, self._parsed(theirs, own, strict=self._config["latest.compatibility.strict"])
            return self._registry.look_up(subject, text), own
        except RegistryError as error:
            message = self._explain(error, subject, own)
            raise RetriableConversionError(message, lambda: self.registered(subject, own)) from error

    def _parsed(self, theirs: Registered, own: S, *, strict: bool) -> S:
        """Raises `IncompatibleSchemaError` where a reader of ``theirs`` could not read ``own``."""
        schema = self._language.parse(theirs.text)
        found = self._language.obstacles(schema, own) if strict else []
        if found:
            raise IncompatibleSchemaError(f"the schema {theirs.id} can't stand for the messages': {'; '.join(found)}")
        return schema

    def _explain(self, error: RegistryError, subject: str, own: S) -> str:
        """What went wrong and what mends it; where a schema is refused, how it differs from the last one."""
        message = f"subject {subject}: {error}"
        match error:
            case IncompatibleSchemaError():
                return (
                    f"{message}. {self._difference(subject, own)}The task goes on by itself once the schema is "
                    "compatible with those before it, or the subject's compatibility level lets it pass"
                )
            case NotRegisteredError():
                return (
                    f"{message}. The task goes on by itself once the schema is registered there; "
                    f"auto.register.schemas=true registers it: {self._language.text(own)}"
                )
            case _:
                return f"{message}. The task goes on by itself once the registry takes the schema"

    def _difference(self, subject: str, own: S) -> str:
        try:
            latest = self._registry.latest(subject)
            changed = self._language.differences(self._language.parse(latest.text), own)
        except (RegistryError, ConversionError) as error:
            return f"How it differs from the subject's latest schema can't be told: {error}. "
        return f"Since the subject's latest schema (id {latest.id}): {'; '.join(changed) or 'nothing'}. "
