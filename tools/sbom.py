"""The bill of materials: every package of both locks as CycloneDX, and the rules they keep. `make sbom` writes it.

No network is needed. What a machine without one can't know, whether a package has a known weakness, is in
tools/advisories.py, which says so instead of looking like a success.
"""

import base64
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import house

OUT = Path("build/sbom")
OLDEST_YEARS = 4
KNOWN_OLD: dict[str, str] = {
    "defusedxml": "complete: it switches features of Python's own parser off",
    "colorama": "only on Windows: colours of a terminal",
    "sortedcontainers": "complete; only tests use it, through hypothesis",
    "mdurl": "complete; for the Markdown of rich, which nothing of ours prints",
}
""" package -> why we keep it although nothing was released for so long """
NPM = "https://registry.npmjs.org/"
LEAST = {"pypi": 60, "npm": 200}
"""Fewer components than these were not read rightly."""
BUILD_TOOLS = {"pip", "setuptools", "wheel", "uv"}
"""What a virtual environment may hold besides the lock."""


@dataclass(frozen=True, slots=True)
class Component:
    """One package at one version. `hashes` are (algorithm, hex) of every file it may be installed from."""

    kind: str
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]
    released: str = ""
    """When its newest file was published, ISO; empty when the lock does not say."""

    @property
    def purl(self) -> str:
        """Its name in the language of advisories."""
        return f"pkg:{self.kind}/{self.name.replace('@', '%40')}@{self.version}"


def plain(name: str) -> str:
    """A Python package's name as all spell it the same."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_components(lock: dict[str, Any]) -> list[Component]:
    """From uv.lock; our own members have no registry and are left out."""
    found = []
    for package in lock["package"]:
        if "registry" in package["source"]:
            files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
            hashes = tuple(("SHA-256", file.get("hash", "").removeprefix("sha256:")) for file in files)
            released = max((file.get("upload-time", "") for file in files), default="")
            found.append(Component("pypi", plain(package["name"]), package["version"], hashes, released))
    return found


def npm_components(lock: dict[str, Any]) -> list[Component]:
    """From package-lock.json; links to our own workspaces are left out."""
    found: dict[tuple[str, str], Component] = {}
    for path, entry in lock["packages"].items():
        if "node_modules/" not in path or entry.get("link"):
            continue
        name = path.rpartition("node_modules/")[2]
        algorithm, _, digest = entry.get("integrity", "").partition("-")
        hashes = (("SHA-512", base64.b64decode(digest).hex()),) if algorithm == "sha512" else ()
        found[name, entry["version"]] = Component("npm", name, entry["version"], hashes)
    return list(found.values())


def document(components: list[Component], made: str) -> dict[str, Any]:
    """CycloneDX 1.5."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "component": {"type": "application", "name": "aitrading", "version": house.version(house.ROOT)},
        },
        "components": [
            {
                "type": "library",
                "bom-ref": one.purl,
                "name": one.name,
                "version": one.version,
                "purl": one.purl,
                "hashes": [{"alg": algorithm, "content": digest} for algorithm, digest in sorted(set(one.hashes))],
            }
            for one in sorted(components, key=lambda one: one.purl)
        ],
    }


def unpinned(python: dict[str, Any], npm: dict[str, Any]) -> Iterator[str]:
    """Every file that can be installed is named by its hash, and comes from the registry."""
    for one in python_components(python):
        if not one.hashes or not all(re.fullmatch(r"[0-9a-f]{64}", digest) for _, digest in one.hashes):
            yield f"uv.lock: {one.name} {one.version} has a file without a hash"
    for path, entry in npm["packages"].items():
        if "node_modules/" in path and not entry.get("link"):
            if not entry.get("integrity", "").startswith("sha512-"):
                yield f"package-lock.json: {path} has no sha512 hash"
            if not entry.get("resolved", NPM).startswith(NPM):  # left out: the registry
                yield f"package-lock.json: {path} comes from {entry['resolved']}"


def too_old(components: list[Component], today: datetime) -> Iterator[str]:
    """Nobody may still look after what nobody has released for years."""
    for one in components:
        if one.released and one.name not in KNOWN_OLD:
            years = (today - datetime.fromisoformat(one.released)).days / 365.25
            if years > OLDEST_YEARS:
                yield f"{one.name} {one.version} is {years:.1f} years old: replace it, or say why in KNOWN_OLD"


def not_locked(components: list[Component], installed: dict[str, str], ours: set[str]) -> Iterator[str]:
    """What runs here is what the lock names, at its version."""
    versions = {one.name: one.version for one in components}
    for name, version in sorted(installed.items()):
        if name not in ours | BUILD_TOOLS and versions.get(name) != version:
            yield f"{name} {version} is installed; the lock says {versions.get(name, 'nothing of it')}"


def installed_here() -> dict[str, str]:
    """Python packages of this environment: name -> version."""
    return {plain(one.metadata["Name"]): one.version for one in distributions()}


def npm_not_locked(lock: dict[str, Any], web: Path) -> Iterator[str]:
    """The same for node_modules; packages of other systems are absent there and left out."""
    for path, entry in lock["packages"].items():
        manifest = web / path / "package.json"
        if "node_modules/" in path and not entry.get("link") and manifest.exists():
            version = json.loads(manifest.read_text()).get("version")
            if version != entry["version"]:
                yield f"web/{path} is {version}; the lock says {entry['version']}"


def main(arguments: list[str]) -> int:
    """Check both locks and write the two documents; 1 when a rule is broken."""
    python = tomllib.loads((house.ROOT / "uv.lock").read_text())
    npm = json.loads((house.ROOT / "web/package-lock.json").read_text())
    found = {"pypi": python_components(python), "npm": npm_components(npm)}
    ours = {plain(package["name"]) for package in python["package"] if "registry" not in package["source"]}
    now = datetime.now(UTC)
    faults = [
        *(f"only {len(found[kind])} {kind} packages were read" for kind in LEAST if len(found[kind]) < LEAST[kind]),
        *unpinned(python, npm),
        *too_old(found["pypi"], now),
        *not_locked(found["pypi"], installed_here(), ours),
        *npm_not_locked(npm, house.ROOT / "web"),
    ]
    for kind, components in found.items():
        made = document(components, now.isoformat(timespec="seconds"))
        if {c["purl"] for c in made["components"]} != {one.purl for one in components}:
            faults.append(f"the {kind} document is not what the lock names")
        if "--write" in arguments:
            path = house.ROOT / OUT / f"{kind}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made, indent=1) + "\n")
            print(f"{path.relative_to(house.ROOT)}: {len(components)} components")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
