"""Ask whether a package of ours has a known weakness: `make audit`. Without an answer it fails and says so.

The source is https://osv.dev, which knows both registries: one question names every package. What was asked, when, and
what came back stands in docs/security/advisories.json, so that `make check` can say without a network how old that is.
"""

import hashlib
import json
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import house
import sbom

SOURCE = "https://api.osv.dev/v1/querybatch"
RECORD = Path("docs/security/advisories.json")
ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}
TIMEOUT_S = 30
STALE_DAYS = 30
ACCEPTED: dict[str, str] = {}
""" id of an advisory -> why it does not touch us """

Ask = Callable[[bytes], bytes]


class NotAuditedError(Exception):
    """No answer, or one that can't be one; the text says which."""


def ask_osv(question: bytes, source: str = SOURCE) -> bytes:
    """The answer of the source; NotAuditedError without one."""
    request = urllib.request.Request(source, question, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    except (OSError, urllib.error.URLError) as error:
        raise NotAuditedError(f"{source} can't be reached ({error})") from None


def advisories(components: list[sbom.Component], ask: Ask) -> dict[str, list[str]]:
    """purl -> its advisories, of those that have any. NotAuditedError unless every package was answered for."""
    queries = [
        {"package": {"name": one.name, "ecosystem": ECOSYSTEMS[one.kind]}, "version": one.version} for one in components
    ]
    if not queries:
        raise NotAuditedError("there is nothing to ask about")
    try:
        results = json.loads(ask(json.dumps({"queries": queries}).encode()))["results"]
        if len(results) != len(queries):
            raise NotAuditedError(f"{len(queries)} packages were asked about and {len(results)} answered for")
        found = {
            one.purl: sorted(vulnerability["id"] for vulnerability in result.get("vulns", []))
            for one, result in zip(components, results, strict=True)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAuditedError("the source answered something that is no answer") from None
    return {purl: ids for purl, ids in found.items() if ids}


def locks_digest(root: Path) -> str:
    """What was asked about: changes with either lock."""
    return hashlib.sha256((root / "uv.lock").read_bytes() + (root / "web/package-lock.json").read_bytes()).hexdigest()


def standing(record: dict[str, Any] | None, digest: str, now: datetime) -> str:
    """One line: what is known about known weaknesses, without asking anybody."""
    if record is None:
        return "NOT AUDITED: no advisory source was ever reached; run `make audit` where https://osv.dev answers"
    at = datetime.fromisoformat(record["at"])
    if record["locks"] != digest:
        return f"NOT AUDITED: the locks have changed since the last audit of {at:%Y-%m-%d}; run `make audit`"
    if (now - at).days > STALE_DAYS:
        return f"NOT AUDITED for {(now - at).days} days: the last audit was on {at:%Y-%m-%d}; run `make audit`"
    return f"audited on {at:%Y-%m-%d}: {len(record['found'])} packages with advisories"


def recorded(root: Path) -> dict[str, Any] | None:
    """The last audit; None when there never was one."""
    path = root / RECORD
    return json.loads(path.read_text()) if path.exists() else None


def open_ones(found: dict[str, list[str]]) -> list[str]:
    """What nobody has accepted, one line per package."""
    return [
        f"{purl}: {', '.join(left)}"
        for purl, ids in sorted(found.items())
        if (left := [identity for identity in ids if identity not in ACCEPTED])
    ]


def main(arguments: list[str], ask: Ask = ask_osv) -> int:
    """`--standing` tells what is known, without a network; 1 only for a weakness that is recorded and not accepted.
    Otherwise asks, and writes down what came back; 1 when something came back, 2 when no answer did."""
    digest, now = locks_digest(house.ROOT), datetime.now(UTC)
    if arguments == ["--standing"]:
        record = recorded(house.ROOT)
        print(standing(record, digest, now))
        wrong = open_ones(record["found"]) if record else []
        for line in wrong:
            print(line)
        return 1 if wrong else 0
    python = tomllib.loads((house.ROOT / "uv.lock").read_text())
    npm = json.loads((house.ROOT / "web/package-lock.json").read_text())
    components = [*sbom.python_components(python), *sbom.npm_components(npm)]
    try:
        found = advisories(components, ask)
    except NotAuditedError as error:
        print(f"NOT AUDITED: {error}. Nothing is known about known weaknesses of {len(components)} packages.")
        return 2
    record = {"at": now.isoformat(timespec="seconds"), "source": SOURCE, "locks": digest, "found": found}
    (house.ROOT / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    print(f"{len(components)} packages asked about; commit {RECORD}")
    wrong = open_ones(found)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
