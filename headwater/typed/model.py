"""From what a message says to a dataclass or Pydantic model, by annotations.

Columns that a model doesn't name are left aside, so that a new column breaks no consumer. What is annotated as a
dataclass, model, dict or list may come as JSON text, as a JSON column does. A dataclass's field may have another name
than its column (`Column`), as a Pydantic model's has by its alias.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import uuid
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin, get_type_hints, is_typeddict

import orjson

from headwater.typed.errors import MisfitError
from headwater.typed.semantic import Date, Semantic


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A mark for fields of dataclasses: the column that one is read from, ``Annotated[int, Column("order-id")]``."""

    name: str


_MIDNIGHT = datetime(1970, 1, 1)  # noqa: DTZ001 - only its time of day is used
_MARKS = "without a schema a number can't tell its unit: annotate it as in Annotated[{}, {}] (headwater.inbox.events)"


def fit(annotation: Any, value: Any) -> Any:
    """``value`` as ``annotation`` has it. Raises `MisfitError`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _annotated(annotation, value)
    if annotation is Any or annotation is object:
        return value
    if origin in (Union, types.UnionType):
        return _union(get_args(annotation), value)
    if isinstance(annotation, NewType):
        return fit(annotation.__supertype__, value)
    if origin is Literal:
        return _checked(value in get_args(annotation), annotation, value)
    if value is None:
        return _checked(annotation in (None, type(None)), annotation, value)
    if origin in _GENERICS or annotation in _GENERICS:
        return _GENERICS[origin or annotation](get_args(annotation), _parsed(value, origin or annotation))
    if (decode := _SCALARS.get(annotation)) is not None:
        return decode(value)
    return _class(annotation, value)


def _annotated(annotation: Any, value: Any) -> Any:
    inner, *marks = get_args(annotation)
    semantic = next((mark for mark in marks if isinstance(mark, Semantic)), None)
    if semantic is not None and isinstance(value, (int, str, bytes)):
        value = semantic(value)
    return fit(inner, value)


def _union(members: tuple[Any, ...], value: Any) -> Any:
    """The first member that it fits; null fits null."""
    if value is None and type(None) in members:
        return None
    errors = []
    for member in members:
        if member is type(None):
            continue
        try:
            return fit(member, value)
        except MisfitError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise MisfitError(f"a {type(value).__name__} fits none of {', '.join(_name(each) for each in members)}")


def _class(annotation: Any, value: Any) -> Any:
    if not isinstance(annotation, type):
        raise MisfitError(f"no value can be read as {annotation!r}")
    if dataclasses.is_dataclass(annotation):
        return _dataclass(annotation, _parsed(value, annotation))
    if hasattr(annotation, "model_validate"):
        return _pydantic(annotation, _parsed(value, annotation))
    if is_typeddict(annotation):
        return _checked(isinstance(value, dict), annotation, value)
    if issubclass(annotation, enum.Enum):
        try:
            return annotation(value)
        except ValueError:
            raise MisfitError(f"a value is none of {annotation.__name__}") from None
    return _checked(isinstance(value, annotation), annotation, value)


def _dataclass(model: type, value: Any) -> Any:
    _checked(isinstance(value, Mapping), model, value)
    hints = _hints(model)
    given = {}
    for field in dataclasses.fields(model):
        if not field.init:
            continue
        name = _column(field.name, hints[field.name])
        if name in value:
            given[field.name] = _field(name, hints[field.name], value[name])
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise MisfitError(f"{model.__name__} needs it, and the event has no such field", (name,))
    return model(**given)


def _column(name: str, annotation: Any) -> str:
    """What a field is called in the event."""
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((mark.name for mark in marks if isinstance(mark, Column)), name)


def _pydantic(model: Any, value: Any) -> Any:
    """What only a column's type tells is converted here; the rest is the model's own to validate."""
    _checked(isinstance(value, Mapping), model, value)
    given = dict(value)
    hints = _hints(model)
    for name, info in model.model_fields.items():
        for key in {name, info.alias, info.validation_alias} & given.keys():
            if _is_physical(hints[name]):
                given[key] = _field(str(key), hints[name], given[key])
    try:
        return model.model_validate(given)
    except ValueError as error:
        details = error.errors(include_input=False, include_url=False) if hasattr(error, "errors") else []
        if not details:
            raise MisfitError(f"{model.__name__} doesn't take it") from error
        path = tuple(str(part) for part in details[0]["loc"])
        raise MisfitError(f"{model.__name__}: {details[0]['msg']}", path) from error


def _field(name: str, annotation: Any, value: Any) -> Any:
    try:
        return fit(annotation, value)
    except MisfitError as error:
        raise error.within(name) from error


def _is_physical(annotation: Any) -> bool:
    """Whether what JSON or Avro has for it needs to be told what it is; of a model, its fields may."""
    origin = get_origin(annotation) or annotation
    if origin in (set, frozenset):  # MySQL's are text with commas
        return True
    members = get_args(annotation)
    if members and origin is not Literal:
        return any(isinstance(each, Semantic) or _is_physical(each) for each in members)
    if isinstance(annotation, type) and (hasattr(annotation, "model_validate") or dataclasses.is_dataclass(annotation)):
        return True
    return annotation in (date, datetime, time, timedelta, Decimal, bytes)


@lru_cache
def _hints(model: type) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def _parsed(value: Any, annotation: Any) -> Any:
    """JSON text read, where something with parts is wanted."""
    if not isinstance(value, str) or annotation in (set, frozenset):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        raise MisfitError(f"{_name(annotation)} is wanted, and the text is no JSON") from None


def _list(members: tuple[Any, ...], value: Any) -> list[Any]:
    _checked(isinstance(value, (list, tuple)), list, value)
    member = members[0] if members else Any
    return [_field(str(index), member, each) for index, each in enumerate(value)]


def _tuple(members: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    _checked(isinstance(value, (list, tuple)), tuple, value)
    if not members or (len(members) == 2 and members[1] is Ellipsis):
        return tuple(_list(members[:1], value))
    if len(members) != len(value):
        raise MisfitError(f"{len(members)} values are wanted, there are {len(value)}")
    return tuple(
        _field(str(index), member, each) for index, (member, each) in enumerate(zip(members, value, strict=True))
    )


def _set(members: tuple[Any, ...], value: Any) -> set[Any]:
    """MySQL's SET is text with commas."""
    if isinstance(value, str):
        value = value.split(",") if value else []
    return set(_list(members, value))


def _dict(members: tuple[Any, ...], value: Any) -> dict[Any, Any]:
    _checked(isinstance(value, Mapping), dict, value)
    key, member = members or (Any, Any)
    return {_field(str(name), key, name): _field(str(name), member, each) for name, each in value.items()}


_GENERICS: dict[Any, Callable[[tuple[Any, ...], Any], Any]] = {
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: lambda members, value: frozenset(_set(members, value)),
    dict: _dict,
    Mapping: _dict,
}


def _bool(value: Any) -> bool:
    """MySQL's BOOLEAN is a number."""
    _checked(isinstance(value, bool) or (type(value) is int and value in (0, 1)), bool, value)
    return bool(value)


def _int(value: Any) -> int:
    return int(_checked(type(value) is int, int, value))


def _float(value: Any) -> float:
    return float(_checked(type(value) in (int, float, Decimal), float, value))


def _decimal(value: Any) -> Decimal:
    if type(value) is float:
        return Decimal(repr(value))
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise MisfitError(
                "the text is no decimal; of one that is bytes, the schema tells the scale: annotate it as in "
                "Annotated[Decimal, scale(2)] (headwater.inbox.events), or set decimal.handling.mode=string"
            ) from None
    return Decimal(_checked(type(value) in (int, Decimal), Decimal, value))


def _datetime(value: Any) -> datetime:
    if type(value) is int:
        raise MisfitError(_MARKS.format("datetime", "Timestamp"))
    moment: datetime = _iso(datetime, value)
    return moment


def _date(value: Any) -> date:
    day: date = Date(value) if type(value) is int else _iso(date, value)
    return day


def _time(value: Any) -> time:
    if type(value) is int:
        raise MisfitError(_MARKS.format("time", "MicroTime"))
    if isinstance(value, timedelta):
        if not timedelta(0) <= value < timedelta(days=1):
            raise MisfitError("a time of day is wanted, and it is below zero or beyond a day: annotate it as timedelta")
        return (_MIDNIGHT + value).time()
    moment: time = _iso(time, value)
    return moment


def _timedelta(value: Any) -> timedelta:
    if type(value) is int:
        raise MisfitError(_MARKS.format("timedelta", "MicroTime"))
    return value if isinstance(value, timedelta) else _checked(False, timedelta, value)


def _iso(kind: Any, value: Any) -> Any:
    """A date or time, or its text."""
    if isinstance(value, str):
        try:
            return kind.fromisoformat(value)
        except ValueError:
            raise MisfitError(f"the text is no {kind.__name__} of ISO 8601") from None
    return _checked(type(value) is kind, kind, value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return b64decode(value, validate=True)
        except ValueError:
            raise MisfitError("the text is no base64, which JSON has bytes in") from None
    return bytes(_checked(isinstance(value, bytes), bytes, value))


def _uuid(value: Any) -> uuid.UUID:
    if isinstance(value, str):
        try:
            return uuid.UUID(value)
        except ValueError:
            raise MisfitError("the text is no UUID") from None
    return value if isinstance(value, uuid.UUID) else _checked(False, uuid.UUID, value)


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: lambda value: str(value) if isinstance(value, uuid.UUID) else _checked(isinstance(value, str), str, value),
    bytes: _bytes,
    Decimal: _decimal,
    date: _date,
    datetime: _datetime,
    time: _time,
    timedelta: _timedelta,
    uuid.UUID: _uuid,
}


def _checked(fits: bool, annotation: Any, value: Any) -> Any:
    if not fits:
        raise MisfitError(f"{_name(annotation)} is wanted, not {type(value).__name__}")
    return value


def _name(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation)
