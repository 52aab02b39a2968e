"""The API's documentation: the OpenAPI document, and a page rendered from it that needs neither scripts nor network."""

import base64
import hashlib
import html
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.handlers import HTTPRouteHandler

from api_gateway.domain.access import TABLE
from api_gateway.routes.schema import errors
from kit.policy import ANYONE, PEOPLE, RULES

STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}h2{font:600 1rem ui-monospace,monospace;margin:2rem 0 .2rem}code,td:first-child{"
    "font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%}td,th{text-align:left;"
    "vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}th{font-weight:600}"
)
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _who(method: str, path: str) -> str:
    rule = RULES[TABLE[method, path]]
    if ANYONE in rule.roles:
        return "programs on the same machine" if rule.only_local else "anyone"
    return ", ".join(sorted(rule.roles & PEOPLE))


def docs_routes() -> list[HTTPRouteHandler]:
    """GET /openapi.json and GET /docs; both are made once, when first asked for."""
    made: dict[str, bytes] = {}

    @get("/openapi.json", media_type="application/vnd.oai.openapi+json", security=[{}], responses=errors())
    async def document(request: Request[Any, Any, Any]) -> bytes:
        """This API as an OpenAPI document."""
        if "json" not in made:
            made["json"] = msgspec.json.encode(_schema(request.app))
        return made["json"]

    @get("/docs", media_type="text/html; charset=utf-8", responses=errors(401))
    async def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        """This API as a page to read."""
        if "html" not in made:
            made["html"] = render(_schema(request.app)).encode()
        return Response(made["html"], headers={"content-security-policy": POLICY})

    return [document, page]


def _schema(app: Litestar) -> dict[str, Any]:
    return app.openapi_schema.to_schema()


def render(schema: dict[str, Any]) -> str:
    """The page: routes with parameters and answers, then every schema with its fields."""
    title = html.escape(f"{schema['info']['title']} {schema['info']['version']}")
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>',
        f'</head><body><h1>{title}</h1><p>The same as data: <a href="/openapi.json">openapi.json</a>. '
        "Live stream: <code>WS /api/v1/stream</code>, its messages are the schema StreamMessage of the contracts.</p>",
    ]
    for path, item in sorted(schema["paths"].items()):
        for method, operation in item.items():
            parts.append(_operation(method.upper(), path, operation))
    parts.append("<h1>Schemas</h1>")
    parts += [_object(name, body) for name, body in sorted(schema["components"]["schemas"].items())]
    return "".join([*parts, "</body></html>"])


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    who = _who(method, path)
    rows = [
        (f"{p['name']} ({p['in']})", _type(p.get("schema", {})), p.get("description", ""))
        for p in operation.get("parameters", [])
    ]
    if body := operation.get("requestBody"):
        rows.append(("body", _content(body), ""))
    rows += [
        (status, _content(answer), answer.get("description", ""))
        for status, answer in sorted(operation.get("responses", {}).items())
    ]
    text = html.escape(operation.get("description", ""))
    return f"<h2>{html.escape(f'{method} {path}')}</h2><p>{text}<br>For: {who}</p>{_table(rows)}"


def _object(name: str, body: dict[str, Any]) -> str:
    rows = [(field, _type(kind), kind.get("description", "")) for field, kind in body.get("properties", {}).items()]
    if "enum" in body:
        rows.append(("one of", ", ".join(map(str, body["enum"])), ""))
    return f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2>{_table(rows)}'


def _table(rows: list[tuple[str, str, str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{cells}</table>"


def _content(answer: dict[str, Any]) -> str:
    return ", ".join(_type(media.get("schema", {})) for media in answer.get("content", {}).values())


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(_type(part) for part in schema[word])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", ""))
