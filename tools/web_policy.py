"""Make exported pages fit a strict Content-Security-Policy: no inline script, and a hash for every inline style.

`apply(dist)` rewrites the pages in place and writes `csp.json`: path of each page → its policy, and "*" → the policy of
everything else. The gateway sends them as they are and never serves the file itself.
"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path

SCRIPT = re.compile(r"<script(?P<attributes>(?:\s[^>]*)?)>(?P<body>.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style(?:\s[^>]*)?>(.*?)</style>", re.DOTALL)
STYLE_ATTRIBUTE = re.compile(r"<[a-zA-Z][^<>]*?\sstyle=(?:\"([^\"]*)\"|'([^']*)')")
HANDLER = re.compile(r"<[a-zA-Z][^<>]*?\son[a-z]+=", re.IGNORECASE)
ALWAYS = (
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; report-uri /csp-report"
)
REST = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
EMPTY_STYLE = ""
"""Emotion inserts an empty <style> and fills it through the CSSOM, which no policy governs."""


class UnsafePageError(Exception):
    """A page holds what the policy forbids; the message names both."""


def hash_source(text: str) -> str:
    """The policy's word for exactly this text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def externalise(page: str, dist: Path, home: str) -> str:
    """Move inline scripts into files named after their content, in the order and place in which they ran."""

    def moved(match: re.Match[str]) -> str:
        attributes, body = match["attributes"], match["body"]
        if (
            re.search(r"\ssrc=", attributes)
            or re.search(r"type=[\"']application/(?:ld\+)?json", attributes)
            or not body
        ):
            return match[0]
        name = hashlib.sha256(body.encode()).hexdigest()[:20] + ".js"
        target = dist / home / "_next" / "static" / "inline" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(body, encoding="utf-8", newline="")
        address = f"/{home}/_next/static/inline/{name}" if home else f"/_next/static/inline/{name}"
        return f'<script{attributes} src="{address}"></script>'

    return SCRIPT.sub(moved, page)


def without_scripts(page: str) -> str:
    """The page's markup alone: text inside scripts only looks like elements."""
    return SCRIPT.sub("", page)


def policy(page: str, name: str) -> str:
    """The policy under which this page runs."""
    markup = without_scripts(page)
    if HANDLER.search(markup):
        raise UnsafePageError(f"{name} has an event handler in an attribute, which the policy forbids.")
    styles = sorted({hash_source(body) for body in [EMPTY_STYLE, *STYLE.findall(markup)]})
    found = STYLE_ATTRIBUTE.findall(STYLE.sub("", markup))
    attributes = sorted({hash_source(html.unescape(double or single)) for double, single in found})
    style_attributes = f"'unsafe-hashes' {' '.join(attributes)}" if attributes else "'none'"
    return (
        "default-src 'none'; script-src 'self'; script-src-attr 'none'; "
        f"style-src 'self' {' '.join(styles)}; style-src-attr {style_attributes}; {ALWAYS}"
    )


def apply(dist: Path) -> None:
    """Rewrite every page below `dist` and write dist/csp.json."""
    policies: dict[str, str] = {}
    for path in sorted(dist.rglob("*.html")):
        name = path.relative_to(dist).as_posix()
        home = "admin" if name.startswith("admin/") else ""
        page = externalise(path.read_text(encoding="utf-8"), dist, home)
        path.write_text(page, encoding="utf-8", newline="")
        policies[f"/{name}"] = policy(page, name)
    policies["*"] = REST
    (dist / "csp.json").write_text(json.dumps(policies, indent=1, sort_keys=True) + "\n", encoding="utf-8")
