"""Render every refusal and every accident as one shape: Problem JSON."""

import re
from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Send

from api_gateway.domain.access import SOCKET
from api_gateway.domain.refusals import (
    NOT_ALLOWED,
    NOT_FOUND,
    TENANT_SUSPENDED,
    TOO_LARGE,
    UNAVAILABLE,
    Refusal,
    RefusedError,
    invalid,
    quota_exceeded,
    rendered,
)
from api_gateway.domain.strict_json import MALFORMED
from kit import log
from kit.errors import AnswerFault, BusUnavailable
from kit.policy import QUOTA_EXCEEDED

Report = Callable[[BaseException], None]
"""Tells the hub of an unexpected error, without waiting."""

_MISSING = re.compile(r"[Mm]issing required (\w+) parameter '([^']+)'")
MAX_REASON = 300
_FAULTS = {
    "bad_request": Refusal(422, "invalid", "The platform cannot answer this question. Check its values."),
    "not_found": NOT_FOUND,
    "conflict": Refusal(409, "conflict", "Something with this name exists already. Choose another."),
    "unavailable": UNAVAILABLE,
    "forbidden": NOT_ALLOWED,
    "tenant_suspended": TENANT_SUSPENDED,
}
""" code of a service's fault -> what a person is told; its own words stay in the log """

_log = log.get("edge")


async def refuse(send: Send, method: str, refusal: Refusal, error_id: str = "") -> None:
    """Answer a request, or a WebSocket handshake that was not accepted yet, with a refusal."""
    status, headers, body = rendered(refusal, error_id)
    prefix = "websocket.http.response" if method == SOCKET else "http.response"
    start: Any = {"type": f"{prefix}.start", "status": status, "headers": headers}
    rest: Any = {"type": f"{prefix}.body", "body": b"" if method == "HEAD" else body, "more_body": False}
    await send(start)
    await send(rest)


def refusal_of(error: BaseException) -> Refusal | None:
    """The refusal behind an expected error; None when nobody expected it."""
    if isinstance(error, RefusedError):
        return error.refusal
    if isinstance(error, BusUnavailable):
        return UNAVAILABLE
    if isinstance(error, AnswerFault):
        # how much of what a plan allows is the tenant's own to know
        return quota_exceeded(error.reason) if error.code == QUOTA_EXCEEDED else _FAULTS.get(error.code)
    if isinstance(error, ValidationException):
        return invalid(_sentence(error))
    if isinstance(error, RecursionError) and "deserializing" in str(error):
        return MALFORMED
    if isinstance(error, HTTPException):
        return _http_refusal(error)
    return None


def _http_refusal(error: HTTPException) -> Refusal | None:
    if error.status_code == 413:
        return TOO_LARGE
    if error.status_code == 404:
        return NOT_FOUND
    if error.status_code == 400:
        return MALFORMED
    return None


def _sentence(error: ValidationException) -> str:
    if missing := _MISSING.search(error.detail):
        return f"The request is not valid. The {missing[1]} parameter {missing[2]} is missing."
    faults = error.extra if isinstance(error.extra, list) else []
    for fault in faults:
        if not isinstance(fault, dict) or not fault.get("message"):
            continue
        if fault["message"] == "'data'":
            return "The request is not valid. Its body is missing."
        key = str(fault.get("key") or "").removeprefix("data.")
        where = f"{key}: " if key and key != "data" else ""
        return f"The request is not valid. {where}{fault['message']}."[:MAX_REASON]
    return "The request is not valid. Check its fields against /docs."


def unexpected(error: BaseException, report: Report) -> tuple[Refusal, str]:
    """Log and report an accident; the refusal names it by an id and says nothing else."""
    error_id = log.correlation.get() or log.new_correlation_id()
    _log.error("unexpected_error", error_id=error_id, error=repr(error), exc_info=error)
    report(error)
    return Refusal(500, "internal", "Something went wrong here. Tell the operator the error id."), error_id


def handler(report: Report) -> Callable[[Request[Any, Any, Any], Exception], Response[bytes]]:
    """Litestar's exception handler for everything."""

    def handle(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        refusal, error_id = refusal_of(error), ""
        if refusal is None:
            refusal, error_id = unexpected(error, report)
        elif refusal is UNAVAILABLE:
            _log.warning("platform_unavailable", error=str(error))
        status, headers, body = rendered(refusal, error_id)
        named = {name.decode(): value.decode() for name, value in headers if name != b"content-length"}
        return Response(body, status_code=status, headers=named, media_type="application/json")

    return handle
