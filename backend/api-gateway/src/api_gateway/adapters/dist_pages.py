"""The dashboards' files, held in memory with their headers: a request never touches the disk, no path can escape."""

import gzip
import hashlib
import json
from pathlib import Path

from api_gateway.ports import PageAnswer

POLICIES = "csp.json"
REST = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
"""The policy of a file that csp.json says nothing about."""
MIN_GZIP = 512
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
PACKED = {".png", ".webp", ".woff2", ".ico"}
"""Already compressed."""
IMMUTABLE = ("/_next/static/", "/admin/_next/static/")

Headers = list[tuple[bytes, bytes]]


class _File:
    """One file, ready to be sent."""

    def __init__(self, address: str, body: bytes, brotli: bytes | None, policy: str) -> None:
        suffix = Path(address).suffix
        self.body = body
        self.tag = b'W/"' + hashlib.sha256(body).hexdigest()[:24].encode() + b'"'
        lasting = address.startswith(IMMUTABLE)
        self.common: Headers = [
            (b"cache-control", b"public, max-age=31536000, immutable" if lasting else b"no-cache"),
            (b"etag", self.tag),
            (b"vary", b"accept-encoding"),
            (b"content-security-policy", policy.encode()),
        ]
        self.typed: Headers = [(b"content-type", TYPES.get(suffix, "application/octet-stream").encode())]
        self.variants: dict[str, bytes] = {}
        """ encoding -> body, best first """
        if brotli is not None:
            self.variants["br"] = brotli
        if suffix not in PACKED and len(body) >= MIN_GZIP:
            packed = gzip.compress(body, 6, mtime=0)
            if len(packed) < len(body):
                self.variants["gzip"] = packed

    def answer(self, status: int, accept_encoding: str, if_none_match: str) -> PageAnswer:
        """The file in an encoding that the browser takes, or 304 when it has it."""
        if status == 200 and self.tag.decode() in [tag.strip() for tag in if_none_match.split(",")]:
            return PageAnswer(304, self.common, b"")
        accepted = {part.split(";")[0].strip() for part in accept_encoding.split(",") if not part.endswith("q=0")}
        for encoding, body in self.variants.items():
            if encoding in accepted:
                headers = [*self.common, *self.typed, (b"content-encoding", encoding.encode())]
                return PageAnswer(status, headers, body)
        return PageAnswer(status, [*self.common, *self.typed], self.body)


def _policy(address: str, policies: dict[str, str]) -> str:
    rest = policies.get("*", REST)
    if address.endswith(".js") and "worker" in address.rsplit("/", 1)[1].lower():
        return policies.get("*worker", rest)
    return policies.get(address, rest)


def _read(folder: Path) -> dict[str, _File]:
    policies: dict[str, str] = json.loads((folder / POLICIES).read_text(encoding="utf-8"))
    root = folder.resolve()
    files: dict[str, _File] = {}
    for path in sorted(folder.rglob("*")):
        address = "/" + path.relative_to(folder).as_posix()
        # a link may not lead out of the folder, and the policies are nobody's page
        if not path.is_file() or address == f"/{POLICIES}" or not path.resolve().is_relative_to(root):
            continue
        beside = path.with_name(path.name + ".br")
        brotli = beside.read_bytes() if beside.is_file() else None
        if path.suffix != ".br":
            files[address] = _File(address, path.read_bytes(), brotli, _policy(address, policies))
    return files


class DistPages:
    """`web/dist`. Call `refresh` now and then, in a thread: compressing takes a moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _File] = {}
        self._stamp = 0

    def refresh(self) -> bool:
        """Read the files when the folder was built anew since the last call; a build replaces it in one step."""
        policies = self._folder / POLICIES
        try:
            found = policies.stat()
        except OSError:
            # between two steps of a build, or never built: what is in memory stays good
            return False
        stamp = found.st_mtime_ns ^ found.st_ino
        if stamp == self._stamp:
            return False
        self._files = _read(self._folder)
        self._stamp = stamp
        return True

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._files)

    def answer(self, path: str, query: bytes, accept_encoding: str, if_none_match: str) -> PageAnswer | None:
        """The file, a redirect to its folder's address, or the page that says there is none."""
        if not self._files:
            return None
        file = self._files.get(path + "index.html" if path.endswith("/") else path)
        if file is not None:
            return file.answer(200, accept_encoding, if_none_match)
        if path + "/index.html" in self._files:
            # only addresses of our own folders get here, so the redirect can't lead to a foreign host
            location = path.encode() + b"/" + (b"?" + query if query else b"")
            return PageAnswer(308, [(b"location", location), (b"cache-control", b"no-cache")], b"")
        home = "/admin" if path.startswith("/admin/") else ""
        missing = self._files.get(home + "/404.html") or self._files.get("/404.html")
        if missing is None:
            return PageAnswer(404, [(b"content-type", b"text/plain; charset=utf-8")], b"This page does not exist.")
        return missing.answer(404, accept_encoding, "")
