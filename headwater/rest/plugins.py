"""The REST API's description of plugins: which there are, and what can be configured of each.

Source: ``org.apache.kafka.connect.runtime.rest.resources.ConnectorPluginsResource``.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater import __version__
from headwater.plugins import MissingExtraError, UnknownPluginError, plugin_classes, plugin_options
from headwater.rest import schemas
from headwater.rest.errors import RestError
from headwater.rest.operations import Operations, Query
from headwater.rest.options import config_key_info
from headwater.rest.requests import flag

OPERATIONS = Operations("Plugins")

_CONNECTORS_ONLY = Query("connectorsOnly", {**schemas.FLAG, "default": "true"}, "Whether to leave out converters.")


@OPERATIONS("GET", "/connector-plugins", "List plugins", {HTTPStatus.OK: schemas.PLUGINS}, query=[_CONNECTORS_ONLY])
async def list_plugins(request: Request) -> Response:
    """Kafka Connect's ``PluginInfo`` of each connector, or of each plugin with ``connectorsOnly=false``."""
    connectors_only = flag(request, "connectorsOnly", default=True)
    return JSONResponse(
        [
            {"class": class_name, "type": kind, "version": __version__}
            for class_name, kind in plugin_classes()
            if kind == "source" or not connectors_only
        ]
    )


@OPERATIONS(
    "GET",
    "/connector-plugins/{plugin}/config",
    "Show what can be configured of a plugin",
    {HTTPStatus.OK: schemas.array(schemas.OPTION)},
    errors={HTTPStatus.NOT_FOUND: "There is no such plugin."},
)
async def plugin_config(request: Request) -> Response:
    """Kafka Connect's ``ConfigKeyInfo`` of each of a plugin's own options."""
    name = unquote(request.path_params["plugin"])
    try:
        options = plugin_options(name).options.values()
    except (UnknownPluginError, MissingExtraError) as error:
        raise RestError(HTTPStatus.NOT_FOUND, f"Unknown plugin {name}.") from error
    return JSONResponse([config_key_info(option) for option in options])
