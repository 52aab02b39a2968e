"""Put the routes together into one Litestar application."""

from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from api_gateway.routes.door import MAX_BODY
from api_gateway.routes.problems import Report, handler
from api_gateway.routes.schema import openapi


def application(handlers: Sequence[ControllerRouterHandler], report: Report, version: str, https: bool) -> Litestar:
    """The API behind the door. It relies on the door for authentication and must not be served without it."""
    everything: dict[Any, Any] = {Exception: handler(report)}
    return Litestar(
        route_handlers=handlers,
        openapi_config=openapi(version, https),
        exception_handlers=everything,
        request_max_body_size=MAX_BODY,
        logging_config=None,
        debug=False,
    )
