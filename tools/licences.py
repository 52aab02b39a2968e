"""Licences: every installed Python and npm package must allow our Apache-2.0; NOTICE names what we ship."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = re.compile(
    r"apache|\bmit\b|\bbsd\b|\b[023]-?clause\b|isc\b|psf|python software foundation|postgresql|zlib|unlicense|mpl[- ]?2"
    r"|mozilla public license 2|0bsd|cc0|blueoak|cc-by-4|public domain|historical permission",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"\b(a?gpl|lgpl|sspl|busl|commons clause|proprietary)\b|gnu .*general public", re.IGNORECASE)
KNOWN = {
    "picows": "MIT",  # its metadata names only the file, which is the MIT licence
    "aiofastnet": "MIT",  # likewise
}
BUILD_ONLY = re.compile(r"^@img/sharp")
"""The image optimiser of Next's own server, LGPL: on the machine that builds, never in what we ship."""
OURS = re.compile(
    r"^(aitrading|contracts|kit|mt5sim|security|desktop|[a-z]+-(gateway|bridge|engine|service|hub|connector|manager|collector))$"
)


def python_packages() -> list[tuple[str, str]]:
    """(name, licence) of everything in this virtual environment."""
    listed = subprocess.run(
        [str(Path(sys.executable).parent / "pip-licenses"), "--python", sys.executable, "--from=all", "--format=json"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = []
    for row in json.loads(listed):
        words = (
            [KNOWN[row["Name"]]]
            if row["Name"] in KNOWN
            else [str(value) for key, value in row.items() if key.startswith("License") and value != "UNKNOWN"]
        )
        found.append((row["Name"], " / ".join(words) or "UNKNOWN"))
    return found


def npm_packages() -> list[tuple[str, str]]:
    """(name, licence) of the lock file's packages, as installed; an absent optional one for another system is left."""
    lock = ROOT / "web" / "package-lock.json"
    found = []
    for path, entry in json.loads(lock.read_text())["packages"].items():
        if not path.startswith("node_modules/") or entry.get("link"):
            continue
        licence = entry.get("license")
        manifest = ROOT / "web" / path / "package.json"
        if licence is None and manifest.exists():
            licence = json.loads(manifest.read_text()).get("license", "UNKNOWN")
        if licence is not None:
            found.append((path.removeprefix("node_modules/"), str(licence)))
    return found


def main() -> int:
    """Prints what is not allowed; 1 when there is any, or when nothing was looked at."""
    packages = [*python_packages(), *npm_packages()]
    ours_left_out = [(name, licence) for name, licence in packages if not OURS.match(name)]
    shipped = [(name, licence) for name, licence in ours_left_out if not BUILD_ONLY.match(name)]
    if len(ours_left_out) < 20:  # an empty list is no proof
        print(f"only {len(ours_left_out)} packages were found: run `make web` first")
        return 1
    bad = [(name, licence) for name, licence in shipped if FORBIDDEN.search(licence) or not ALLOWED.search(licence)]
    for name, licence in bad:
        print(f"{name}: {licence} is not on the list of licences that allow ours")
    print(f"{len(ours_left_out)} packages looked at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
