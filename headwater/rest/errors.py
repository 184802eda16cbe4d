"""Errors as Kafka Connect answers them: a status code, and a body of ``error_code`` and ``message``.

Source: ``org.apache.kafka.connect.runtime.rest.errors.ConnectExceptionMapper``.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from headwater.config import ConfigError
from headwater.source import OffsetError
from headwater.worker.errors import ConnectorExistsError, NotFoundError, NotStoppedError, TopicTrackingError

log = structlog.get_logger(__name__)


class RestError(Exception):
    """A request that can't be served."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Kafka Connect's ``ErrorMessage``."""
    return JSONResponse({"error_code": status, "message": message}, status, headers)


async def _http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these only
    phrase = HTTPStatus(error.status_code).phrase
    return error_response(error.status_code, f"HTTP {error.status_code} {phrase}", error.headers)


async def _rest_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RestError)  # noqa: S101 - it is registered for these only
    return error_response(error.status, str(error))


async def _bad_request(_: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.BAD_REQUEST, str(error))


async def _not_found(_: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.NOT_FOUND, str(error))


async def _forbidden(_: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.FORBIDDEN, str(error))


async def _conflict(_: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.CONFLICT, str(error))


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("a REST request failed", method=request.method, path=request.url.path, exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}; the worker's log has the details")


EXCEPTION_HANDLERS: dict[Any, Any] = {
    HTTPException: _http_exception,
    RestError: _rest_error,
    ConfigError: _bad_request,
    NotStoppedError: _bad_request,
    OffsetError: _bad_request,
    NotFoundError: _not_found,
    TopicTrackingError: _forbidden,
    ConnectorExistsError: _conflict,
    Exception: _unexpected,
}
