"""Hold docs/security/crypto.md to the code: every use of cryptography is in its table, with the files that use it.

`--write` puts the files as they are into the table; a use without a row has to be given one, with its reason, by hand.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import house

PAGE = Path("docs/security/crypto.md")
LIBRARIES = ("cryptography.hazmat.primitives", "argon2", "joserfc", "ssl", "hmac", "secrets", "pyotp", "webauthn")
HASHES = re.compile(r"^hashlib\.(\w+)$")
PLAIN = {"Encoding", "NoEncryption", "PrivateFormat", "PublicFormat", "padding", "serialization", "hashes", "utils"}
"""Names of the library that are forms and containers, not algorithms."""
_ROW = re.compile(r"^\| `([\w.]+)` \| (.+?) \| ([^|]*) \|$", re.MULTILINE)


def name_of(node: ast.AST) -> str:
    """`a.b` of an attribute."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := name_of(node.value)):
        return f"{left}.{node.attr}"
    return ""


def uses(text: str) -> set[str]:
    """The algorithms and sources of chance that a module takes: class names of the library, `hashlib.sha256`, …"""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            top = node.module.split(".")[0]
            if node.module.startswith("cryptography.hazmat.primitives"):
                found |= {alias.name for alias in node.names} - PLAIN
            elif top in LIBRARIES:
                found.add(top)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & set(LIBRARIES)
        elif isinstance(node, ast.Attribute):
            whole = name_of(node)
            if HASHES.match(whole) or re.match(r"^hashes\.(SHA\w+|MD5|BLAKE\w+)$", whole):
                found.add(whole)
    return {name for name in found if not name.endswith(("PrivateKey", "Error", "_key"))}


def collected(root: Path, files: list[Path]) -> dict[str, list[str]]:
    """use -> the files of our own sources that have it."""
    found: dict[str, set[str]] = {}
    for path in files:
        if path.suffix == ".py" and "src" in path.parts and "testing" not in path.parts:
            for name in uses((root / path).read_text()):
                found.setdefault(name, set()).add(short(path))
    return {name: sorted(places) for name, places in sorted(found.items())}


def short(path: Path) -> str:
    """A file as `package/module`, for a narrow table."""
    return "/".join(path.parts[path.parts.index("src") + 1 :]).removesuffix(".py")


def column(places: list[str]) -> str:
    """The files of a row."""
    return ", ".join(places) or "nowhere"


def faults(page: str, found: dict[str, list[str]]) -> Iterator[str]:
    """What the page does not tell as it is."""
    told = {name: places.strip() for name, _, places in _ROW.findall(page)}
    for name in sorted(found.keys() - told.keys()):
        yield f"{PAGE}: `{name}` is used in {column(found[name])} and has no row"
    for name in sorted(told.keys() - found.keys()):
        yield f"{PAGE}: `{name}` is used nowhere any more"
    for name, places in found.items():
        if name in told and told[name] != column(places):
            yield f"{PAGE}: `{name}` is used in other files now; run `python tools/crypto_check.py --write`"


def main(arguments: list[str]) -> int:
    """1 when the page does not tell what the code does."""
    found = collected(house.ROOT, house.tracked(house.ROOT))
    page = (house.ROOT / PAGE).read_text()
    if arguments == ["--write"]:
        page = _ROW.sub(lambda row: f"| `{row[1]}` | {row[2]} | {column(found.get(row[1], []))} |", page)
        (house.ROOT / PAGE).write_text(page)
    if len(found) < 8:
        print(f"only {len(found)} uses were found in the code")
        return 1
    wrong = list(faults(page, found))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
