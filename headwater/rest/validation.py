"""Validating a configuration over the REST API, without creating a connector.

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorPluginsResource`` and
``org.apache.kafka.connect.runtime.AbstractHerder.generateResult``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.config import Importance, Option, OptionType, Problem
from headwater.plugins import MissingExtraError, UnknownPluginError, find_connector
from headwater.rest import schemas
from headwater.rest.errors import RestError
from headwater.rest.operations import Operations
from headwater.rest.options import config_key_info
from headwater.rest.requests import null_problem, read_nullable_config, worker_of
from headwater.worker.validation import Validation

OPERATIONS = Operations("Plugins")

WARNINGS = "Warnings"
"""The group of what was given and is no option of the connector; what each says is that it has no effect, and why."""


@OPERATIONS(
    "PUT",
    "/connector-plugins/{plugin}/config/validate",
    "Say what is wrong with a configuration, and try to reach the source",
    {HTTPStatus.OK: schemas.VALIDATION},
    errors={HTTPStatus.BAD_REQUEST: "There is no such connector, or connector.class is another one."},
    body=schemas.CONFIG_PATCH,
)
async def validate(request: Request) -> Response:
    given = await read_nullable_config(request)
    class_name = given.get("connector.class")
    plugin = unquote(request.path_params["plugin"])
    if class_name is not None and not _may_be(class_name, plugin):
        raise RestError(
            HTTPStatus.BAD_REQUEST, f"Included connector type {class_name} does not match request type {plugin}"
        )
    validation = await worker_of(request).validate({name: text for name, text in given.items() if text is not None})
    nulls = [null_problem(name) for name, text in given.items() if text is None]
    return JSONResponse(_config_infos(class_name or "", validation, nulls))


def _may_be(class_name: str, plugin: str) -> bool:
    """Whether a configuration's class is the connector that the path names, as far as their names tell."""
    try:
        return find_connector(class_name) is find_connector(plugin)
    except (UnknownPluginError, MissingExtraError):
        return _without_suffix(class_name).endswith(_without_suffix(plugin))


def _without_suffix(class_name: str) -> str:
    """``MySql`` for ``MySqlConnector``, as Kafka Connect compares them."""
    return class_name.removesuffix("Connector") or class_name


def _config_infos(class_name: str, validation: Validation, nulls: Sequence[Problem]) -> dict[str, Any]:
    """Kafka Connect's ``ConfigInfos``: first what is no declared option, then the options in their order."""
    errors: dict[str, list[str]] = defaultdict(list)
    without_value = {problem.option for problem in nulls}
    for problem in (*nulls, *(problem for problem in validation.problems if problem.option not in without_value)):
        errors[problem.option].append(problem.message)
    warnings: dict[str, list[str]] = defaultdict(list)
    for warning in validation.warnings:
        warnings[warning.option].append(warning.message)
    options = validation.definition.options
    undeclared = [name for name in errors if name not in options and name not in warnings]
    configs = [
        *({"definition": None, "value": _value(name, validation, errors)} for name in undeclared),
        *(_declared(option, validation, errors, warnings.get(option.name, ())) for option in options.values()),
        *(_warning(name, texts, validation, errors) for name, texts in warnings.items() if name not in options),
    ]
    groups = dict.fromkeys(config["definition"]["group"] for config in configs if config["definition"])
    return {
        "name": class_name,
        "error_count": sum(len(texts) for texts in errors.values()),
        "groups": [group for group in groups if group is not None],
        "configs": configs,
    }


def _declared(
    option: Option, validation: Validation, errors: Mapping[str, list[str]], warnings: Sequence[str]
) -> dict[str, Any]:
    """An option; what there is to warn of stands before its documentation."""
    value = _value(option.name, validation, errors, option.text(option.default), option.recommended)
    return {"definition": config_key_info(option, " ".join((*warnings, option.doc))), "value": value}


def _warning(
    name: str, texts: Sequence[str], validation: Validation, errors: Mapping[str, list[str]]
) -> dict[str, Any]:
    """What was given and is no option: described as one, so that what there is to say of it shows where options do."""
    option = Option(name, OptionType.STRING, None, " ".join(texts), Importance.LOW, group=WARNINGS)
    return {"definition": config_key_info(option), "value": _value(name, validation, errors)}


def _value(
    name: str,
    validation: Validation,
    errors: Mapping[str, list[str]],
    default: str | None = None,
    recommended: Sequence[str] = (),
) -> dict[str, Any]:
    """Kafka Connect's ``ConfigValueInfo``."""
    return {
        "name": name,
        "value": validation.given.get(name, default),
        "recommended_values": list(recommended),
        "errors": errors.get(name, []),
        "visible": True,
    }
