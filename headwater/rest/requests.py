"""Reads what a request carries: connector names from its path, JSON from its body. All of it is untrusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request

from headwater.config import ConfigError, Problem, as_text, trim
from headwater.logs import LEVELS
from headwater.rest.errors import RestError
from headwater.store import OffsetChange, TargetState
from headwater.worker.worker import Worker

JSON = "application/json"

MAX_BODY_BYTES = 1 << 20

_READING = ("GET", "HEAD")

_CREATE_MEMBERS = ("name", "config", "initial_state")

_JAVA_INTEGERS = range(-(2**31), 2**31)

_INITIAL_STATES = {
    "RUNNING": TargetState.STARTED,
    "PAUSED": TargetState.PAUSED,
    "STOPPED": TargetState.STOPPED,
}
"""``CreateConnectorRequest.InitialState``."""


def worker_of(request: Request) -> Worker:
    """The worker that is asked."""
    worker = request.app.state.worker
    assert isinstance(worker, Worker)  # noqa: S101 - set when the application was made
    return worker


def connector_name(request: Request) -> str:
    """The connector that the path names; a name may hold any character, percent-encoded."""
    return unquote(request.path_params["connector"])


def task_number(request: Request) -> int:
    """The task that the path names. Raises HTTPException where that is no number, as Kafka Connect does."""
    text = unquote(request.path_params["task"])
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", text) or int(text) not in _JAVA_INTEGERS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return int(text)


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A query parameter: ``true`` in any case, or else false; ``default`` where it is not given."""
    text = request.query_params.get(name)
    return default if text is None else text.lower() == "true"


def check_acceptable(request: Request) -> None:
    """The answer is JSON: raises HTTPException for a client that takes anything else only."""
    accepted = request.headers.get("accept") or "*/*"
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if kinds.isdisjoint({JSON, "application/*", "*/*"}):
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE)


def check_media_type(request: Request, *, has_body: bool) -> None:
    """What changes state is JSON: raises HTTPException where something else is sent, or a body that doesn't say so.

    A page of another site can have a browser send other types without asking this server first.
    """
    media_type = request.headers.get("content-type", "" if has_body else JSON)
    if request.method not in _READING and media_type.partition(";")[0].strip().lower() != JSON:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


async def read_creation(request: Request) -> tuple[str, dict[str, str], TargetState]:
    """(name, configuration with ``name`` in it, state to begin with) of Kafka Connect's ``CreateConnectorRequest``.

    Raises `RestError`, HTTPException or `ConfigError`.
    """
    body = await _read_object(request)
    _check_members(body, _CREATE_MEMBERS)
    initial_state = _text("initial_state", body.get("initial_state"))
    target = TargetState.STARTED if initial_state is None else _INITIAL_STATES.get(initial_state.upper())
    if target is None:
        _bad(f"initial_state: must be one of {', '.join(_INITIAL_STATES)}")
    name = trim(_text("name", body.get("name")) or "")
    config = _config(body.get("config"))
    return name, _named(name, config), target


async def read_config(request: Request, name: str) -> dict[str, str]:
    """The configuration, with ``name`` in it, that is to be connector ``name``'s.

    Raises `RestError` or HTTPException.
    """
    return _named(name, _config(await _read_object(request)))


async def read_nullable_config(request: Request) -> dict[str, str | None]:
    """A configuration in which null may stand for a value. Raises `RestError` or HTTPException."""
    return {option: _text(option, value) for option, value in (await _read_object(request)).items()}


async def read_patch(request: Request, name: str) -> dict[str, str | None]:
    """Options to set in connector ``name``'s configuration; None stands for those to remove (KIP-477).

    Raises `RestError` or HTTPException.
    """
    patch = await read_nullable_config(request)
    if patch.get("name") is not None:
        _check_name(patch["name"], name)
    return patch


async def read_offsets(request: Request) -> list[OffsetChange]:
    """Kafka Connect's ``ConnectorOffsets``: partitions with their new offset, None where that is to be removed.

    Raises `RestError` or HTTPException.
    """
    body = await _read_object(request, int)
    _check_members(body, ("offsets",))
    entries = body.get("offsets")
    if not entries:
        _bad("Partitions / offsets need to be provided for an alter offsets request")
    if not isinstance(entries, list):
        _bad('"offsets" must be a JSON array')
    return [_offset_change(entry) for entry in entries]


async def read_log_level(request: Request) -> str:
    """The ``level`` in the body, one of `headwater.logs.LEVELS`. Raises `RestError` or HTTPException."""
    given = _text("level", (await _read_object(request)).get("level"))
    if given is None:
        _bad("Desired 'level' parameter was not specified in request.")
    if given.upper() not in LEVELS:
        raise RestError(HTTPStatus.NOT_FOUND, f"invalid log level '{given}'.")
    return given.upper()


def _offset_change(entry: object) -> OffsetChange:
    if not isinstance(entry, dict):
        _bad("Each member of offsets must be a JSON object with partition and offset")
    _check_members(entry, ("partition", "offset"))
    partition, offset = entry.get("partition"), entry.get("offset")
    if not isinstance(partition, dict) or not all(isinstance(value, str) for value in partition.values()):
        _bad('"partition" must be a JSON object of strings')
    if offset is not None and not isinstance(offset, dict):
        _bad('"offset" must be a JSON object, or null to remove it')
    return partition, offset


def _check_members(value: dict[str, Any], known: Sequence[str]) -> None:
    for member in value:
        if member not in known:
            names = ", ".join(f'"{name}"' for name in known)
            _bad(f'Unrecognized field "{member}", not marked as ignorable ({len(known)} known: {names})')


def _named(name: str, config: dict[str, str]) -> dict[str, str]:
    """The configuration with the connector's name in it. Raises `RestError` where it holds another."""
    _check_name(config.setdefault("name", name), name)
    return config


def _check_name(given: str | None, name: str) -> None:
    if given != name:
        _bad(f"Connector name configuration ({given}) doesn't match connector name in the URL ({name})")


async def _read_object(request: Request, parse_number: Callable[[str], object] = str) -> dict[str, Any]:
    """The body's JSON object; numbers stay as they are written, so that they can become a configuration's strings."""
    data = await _read_bounded(request)
    try:
        text = data.decode()
        value = json.loads(
            text,
            parse_int=parse_number,
            parse_float=_refuse_fraction if parse_number is int else str,
            parse_constant=_refuse_constant,
        )
        # A lone surrogate escape makes a string that no encoding can write.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        _bad(f"The request's body is not JSON: {error}")
    if not isinstance(value, dict):
        _bad("The request's body must be a JSON object")
    return value


async def _read_bounded(request: Request) -> bytes:
    too_large = RestError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The request's body is larger than {MAX_BODY_BYTES} bytes"
    )
    if int(request.headers.get("content-length", "0")) > MAX_BODY_BYTES:
        raise too_large
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _config(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        _bad('"config" must be a JSON object of options and their values')
    config = {name: _text(name, member) for name, member in value.items()}
    if config.get("name") is None:
        config.pop("name", None)
    nulls = [null_problem(name) for name, text in config.items() if text is None]
    if nulls:
        raise ConfigError(nulls)
    return {name: text for name, text in config.items() if text is not None}


def null_problem(option: str) -> Problem:
    """What is wrong with null as a value."""
    message = f"Null value can not be supplied as the configuration value. Leave {option} out, or give it a value."
    return Problem(option, message)


def _text(name: str, value: object) -> str | None:
    if isinstance(value, (dict, list)):
        _bad(f"{name}: the value must be a string, a number or a boolean")
    return as_text(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _refuse_fraction(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a whole number")


def _bad(message: str) -> NoReturn:
    raise RestError(HTTPStatus.BAD_REQUEST, message)
