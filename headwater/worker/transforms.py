"""A connector's transforms and predicates: from ``transforms`` and ``predicates`` to the chain that they make.

``transforms=a,b`` names transforms; ``transforms.a.type`` is the class of one, ``transforms.a.predicate`` and
``negate`` say which messages it is for, and what else starts with ``transforms.a.`` configures it. Predicates are
named likewise.

Source: ``org.apache.kafka.connect.runtime.ConnectorConfig`` (``EnrichablePlugin``) and ``TransformationStage``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from headwater.chain import Chain, Step
from headwater.config import REQUIRED, ConfigDef, ConfigError, Importance, Option, OptionType, Problem, Width, trim
from headwater.plugins import OwnTransformError, UnknownPluginError, find_predicate, find_transform, plugin_classes
from headwater.transform import Predicate, Transform
from headwater.worker.option_names import NameResolver, OptionWarning

TRANSFORMS, PREDICATES = "transforms", "predicates"
_KINDS = {TRANSFORMS: "Transformation", PREDICATES: "Predicate"}
"""What Kafka Connect calls what such a list names."""

_OF_EACH_TRANSFORM = (
    Option(
        "predicate",
        OptionType.STRING,
        None,
        "The name of the predicate that says which messages are transformed; without one, all are.",
        Importance.MEDIUM,
    ),
    Option(
        "negate",
        OptionType.BOOLEAN,
        False,
        "Whether the messages are transformed for which the predicate does not hold.",
        Importance.MEDIUM,
    ),
)


@dataclass(frozen=True, slots=True)
class _Named:
    """One transform or predicate: its name, and what is configured of it.

    ``prefix``  goes before each of its options
    ``values``  those options without it
    """

    list: str
    name: str
    prefix: str
    values: Mapping[str, str]

    @property
    def type(self) -> str:
        return trim(self.values.get("type", ""))

    @property
    def own(self) -> dict[str, str]:
        """What the plugin itself is configured with."""
        taken = {"type", *(option.name for option in _OF_EACH_TRANSFORM if self.list == TRANSFORMS)}
        return {name: value for name, value in self.values.items() if name not in taken}

    def definition(self) -> ConfigDef:
        """All that can be configured of it. Raises `UnknownPluginError`."""
        common = _OF_EACH_TRANSFORM if self.list == TRANSFORMS else ()
        own = find_transform(self.type).options if self.list == TRANSFORMS else find_predicate(self.type).OPTIONS
        options = [option for option in own.options.values() if option.name not in {each.name for each in common}]
        return ConfigDef(self._type(), *common, *options, refused=own.refused, ignored=own.ignored)

    def _type(self) -> Option:
        kind = _KINDS[self.list]
        return Option(
            "type",
            OptionType.CLASS,
            REQUIRED,
            f"Class for the '{self.name}' {kind.lower()}.",
            Importance.HIGH,
            label=f"{kind} type for {self.name}",
            width=Width.LONG,
            choices=tuple(sorted(name for name, each in plugin_classes() if each == kind.lower())),
        )

    def description(self) -> ConfigDef:
        """What can be configured of it, by the options' whole names; just the class where that is not known."""
        definition = ConfigDef(self._type())
        with contextlib.suppress(UnknownPluginError, OwnTransformError):
            definition = self.definition()
        group = f"{self.list.capitalize()}: {self.name}"
        return ConfigDef(
            *(
                replace(
                    option, name=self.prefix + option.name, label=option.label or option.name, group=group, order=number
                )
                for number, option in enumerate(definition.options.values())
            )
        )

    def check(self) -> ConfigDef:
        """The definition. Raises `ConfigError` where there is none, or where it doesn't take the values."""
        if not self.type:
            option = f"{self.prefix}type"
            raise ConfigError(
                [Problem(option, f'Missing required configuration "{option}" which has no default value.')]
            )
        try:
            definition = self.definition()
        except UnknownPluginError as error:
            option = f"{self.prefix}type"
            reason = f"Class {self.type} could not be found. There are: {', '.join(error.known)}"
            message = f"Invalid value {self.type} for configuration {option}: {reason}"
            raise ConfigError([Problem(option, message)]) from error
        except OwnTransformError as error:
            option = f"{self.prefix}type"
            message = f"Invalid value {self.type} for configuration {option}: {error}"
            raise ConfigError([Problem(option, message)]) from error
        _, problems = definition.check(self.values)
        if problems:
            with self.whole_names():
                raise ConfigError(problems)
        return definition

    @contextlib.contextmanager
    def whole_names(self) -> Iterator[None]:
        """A `ConfigError` from inside tells of the options by their whole names."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(
                Problem(self.prefix + each.option, f"{self.prefix[:-1]}: {each.message}") for each in error.problems
            ) from None


def build_chain(values: Mapping[str, str]) -> Chain:
    """The transforms of a connector's configuration. Raises `ConfigError` with all problems at once."""
    problems: list[Problem] = [problem for names in _KINDS for problem in _duplicates(names, values)]
    predicates: dict[str, Predicate | None] = {}
    for named in _named(PREDICATES, values):
        predicates[named.name] = None
        try:
            named.check()
            with named.whole_names():
                predicates[named.name] = find_predicate(named.type).create(named.own)
        except ConfigError as error:
            problems += error.problems
    steps = []
    for named in _named(TRANSFORMS, values):
        try:
            steps.append(_step(named, predicates))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Chain(steps)


def _step(named: _Named, predicates: Mapping[str, Predicate | None]) -> Step:
    options = named.check().parse(named.values)
    with named.whole_names():
        transform: Transform = find_transform(named.type).create(named.own)
    name = options["predicate"]
    if name is None:
        if "negate" in named.values:
            option = f"{named.prefix}negate"
            text = f"{option} has no {named.prefix}predicate beside it whose opposite would count"
            raise ConfigError([Problem(option, text)])
        return Step(named.name, transform)
    if name not in predicates:
        option = f"{named.prefix}predicate"
        known = f"there are: {', '.join(predicates)}" if predicates else "there are none"
        text = f"Invalid value {name} for configuration {option}: {PREDICATES} has no such name, {known}"
        raise ConfigError([Problem(option, text)])
    return Step(named.name, transform, predicates[name], negate=options["negate"])


def transform_options(values: Mapping[str, str]) -> ConfigDef:
    """What can be configured of the connector's transforms and predicates, by the options' whole names."""
    options = ConfigDef()
    for names in _KINDS:
        for named in _named(names, values):
            options += named.description()
    return options


def transform_warnings(values: Mapping[str, str]) -> list[OptionWarning]:
    """Warnings of options that the transforms don't know, or that belong to none."""
    warnings: list[OptionWarning] = []
    known: list[str] = []
    for names in _KINDS:
        for named in _named(names, values):
            known.append(named.prefix)
            with contextlib.suppress(UnknownPluginError, OwnTransformError):
                _, found = NameResolver(named.definition(), {}).resolve(named.values)
                warnings += (OptionWarning(named.prefix + w.option, f"{named.prefix[:-1]}: {w.message}") for w in found)
    for option in values:
        names, dot, _ = option.partition(".")
        if dot and names in _KINDS and not option.startswith(tuple(known)):
            warnings.append(OptionWarning(option, f"{option} has no effect: {names} doesn't name what it is for"))
    return warnings


def _named(names: str, values: Mapping[str, str]) -> Iterator[_Named]:
    """The transforms or predicates that are named, each once."""
    for name in dict.fromkeys(_aliases(names, values)):
        prefix = f"{names}.{name}."
        own = {option[len(prefix) :]: value for option, value in values.items() if option.startswith(prefix)}
        yield _Named(names, name, prefix, own)


def _aliases(names: str, values: Mapping[str, str]) -> list[str]:
    text = trim(values.get(names, ""))
    return [name.strip() for name in text.split(",")] if text else []


def _duplicates(names: str, values: Mapping[str, str]) -> Iterator[Problem]:
    aliases = _aliases(names, values)
    if len(set(aliases)) < len(aliases):
        message = f"Invalid value {values[names]} for configuration {names}: Duplicate alias provided."
        yield Problem(names, message)
