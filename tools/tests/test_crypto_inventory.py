"""The inventory of cryptography tells what the code uses."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def check(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("crypto_check")


def test_what_the_code_uses_is_what_the_inventory_lists(check: ModuleType) -> None:
    root = TOOLS.parent
    found = check.collected(root, [path.relative_to(root) for path in root.glob("*/**/src/**/*.py")])
    assert len(found) >= 8
    assert {"AESGCM", "Ed25519PublicKey", "ec", "ssl", "hashlib.sha256"} <= set(found)
    assert list(check.faults((root / check.PAGE).read_text(), found)) == []


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("from cryptography.hazmat.primitives.ciphers.aead import AESGCM", "AESGCM"),
        ("from cryptography.hazmat.primitives.asymmetric import rsa", "rsa"),
        ("import hashlib\nhashlib.md5(b'')", "hashlib.md5"),
        ("from cryptography.hazmat.primitives import hashes\nhashes.SHA1()", "hashes.SHA1"),
        ("import secrets", "secrets"),
    ],
)
def test_each_kind_of_use_is_seen(check: ModuleType, line: str, use: str) -> None:
    assert use in check.uses(line)


def test_a_use_without_a_row_and_a_row_without_a_use_are_named(check: ModuleType) -> None:
    page = "| `AESGCM` | vault | a/b |\n| `rsa` | nothing | c/d |\n"
    said = list(check.faults(page, {"AESGCM": ["a/b"], "hashlib.md5": ["e/f"]}))
    assert [line.split("`")[1] for line in said] == ["hashlib.md5", "rsa"]
    assert list(check.faults(page, {"AESGCM": ["a/c"], "rsa": ["c/d"]})) != []
