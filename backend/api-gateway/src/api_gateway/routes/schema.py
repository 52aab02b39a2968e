"""What OpenAPI says of errors and security, once for all routes."""

from collections.abc import Sequence

from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.router import Router

from api_gateway.domain.headers import cookie_name
from contracts.views import Problem

_WORDS = {
    400: "The body is not JSON.",
    401: "Not signed in.",
    403: "Signed in, yet not allowed; or the CSRF token or the Origin is wrong.",
    404: "Nothing here has this name.",
    409: "It contradicts what is there.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "A field is not valid; the reason says which.",
    429: "Too many tries; Retry-After says how long to wait.",
    503: "A part of the platform does not answer; Retry-After says when to try again.",
}


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """The declared errors of a route; 429 and 500 belong to all."""
    named = {
        status: ResponseSpec(Problem, generate_examples=False, description=_WORDS[status])
        for status in {*statuses, 429}
    }
    named[500] = ResponseSpec(Problem, generate_examples=False, description="Unexpected; error_id finds it in the log.")
    return named


GENERATED = "/generated-schema"
"""Where the framework puts its own pages about the schema. They are not in the table, so nobody gets there."""


def openapi(version: str, https: bool) -> OpenAPIConfig:
    """The document's head."""
    schemes: dict[str, SecurityScheme] = {
        "cookie": SecurityScheme(
            type="apiKey",
            name=cookie_name(https),
            security_scheme_in="cookie",
            description="Set by signing in. Changes also need the header X-CSRF-Token.",
        ),
        "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="For programs."),
    }
    any_of: Sequence[dict[str, list[str]]] = ({"cookie": []}, {"bearer": []})
    return OpenAPIConfig(
        title="AI trading platform: gateway",
        version=version,
        components=Components(security_schemes=dict(schemes)),
        security=list(any_of),
        use_handler_docstrings=True,
        openapi_router=Router(GENERATED, route_handlers=[], include_in_schema=False),
    )
