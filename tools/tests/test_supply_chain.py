"""The gates over what we depend on and what we may write: each finds what it is for."""

import ast
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parent.parent
HASH = "a" * 64
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def wheel(digest: str = f"sha256:{HASH}") -> dict[str, str]:
    return {"url": "https://x/y.whl", "hash": digest, "upload-time": "2026-01-01T00:00:00Z"}


PYTHON: dict[str, Any] = {
    "package": [
        {"name": "Some_Thing", "version": "1.0", "source": {"registry": "r"}, "wheels": [wheel()]},
        {"name": "kit", "version": "0.1.0", "source": {"editable": "kit"}},
    ]
}
NPM = {
    "packages": {
        "": {"name": "web"},
        "node_modules/@a/b": {"version": "2.0", "integrity": "sha512-" + "A" * 86 + "=="},
        "node_modules/ours": {"link": True, "resolved": "components"},
    }
}


def test_the_bill_names_what_the_locks_name_and_not_our_own(load: Any) -> None:
    sbom = load("sbom")
    components = [*sbom.python_components(PYTHON), *sbom.npm_components(NPM)]
    made = sbom.document(components, "2026-01-01T00:00:00")
    assert [one["purl"] for one in made["components"]] == ["pkg:npm/%40a/b@2.0", "pkg:pypi/some-thing@1.0"]
    assert made["components"][1]["hashes"] == [{"alg": "SHA-256", "content": HASH}]


def test_a_file_without_a_hash_or_from_elsewhere_is_refused(load: Any) -> None:
    sbom = load("sbom")
    python = {"package": [{**PYTHON["package"][0], "wheels": [wheel(), wheel("")]}]}
    npm = {
        "packages": {
            "node_modules/a": {"version": "1", "integrity": "sha1-x"},
            "node_modules/b": {"version": "1", "integrity": "sha512-x", "resolved": "https://evil.example/b.tgz"},
        }
    }
    assert len(list(sbom.unpinned(python, npm))) == 3
    assert list(sbom.unpinned(PYTHON, NPM)) == []


def test_what_is_installed_must_be_what_the_lock_says(load: Any) -> None:
    sbom = load("sbom")
    components = sbom.python_components(PYTHON)
    assert list(sbom.not_locked(components, {"some-thing": "1.0", "kit": "0.1.0", "pip": "1"}, {"kit"})) == []
    (line,) = sbom.not_locked(components, {"some-thing": "1.1"}, set())
    assert "the lock says 1.0" in line
    (line,) = sbom.not_locked(components, {"stranger": "1"}, set())
    assert "nothing of it" in line


def test_what_nobody_released_for_years_is_named(load: Any) -> None:
    sbom = load("sbom")
    components = sbom.python_components(PYTHON)
    assert list(sbom.too_old(components, NOW)) == []
    assert len(list(sbom.too_old(components, NOW + timedelta(days=4 * 366)))) == 1


def answer(*found: dict[str, Any]) -> Any:
    return lambda _question: json.dumps({"results": list(found)}).encode()


def test_an_advisory_is_found_for_its_package(load: Any) -> None:
    sbom, advisories = load("sbom"), load("advisories")
    components = [*sbom.python_components(PYTHON), *sbom.npm_components(NPM)]
    found = advisories.advisories(components, answer({}, {"vulns": [{"id": "CVE-1"}]}))
    assert found == {"pkg:npm/%40a/b@2.0": ["CVE-1"]}
    assert advisories.open_ones(found) == ["pkg:npm/%40a/b@2.0: CVE-1"]


@pytest.mark.parametrize(
    "reply", [b"", b"<html>", b"{}", b'{"results": []}', b'{"results": [1, 2]}', b'{"results": [{}]}', b"[]"]
)
def test_an_answer_that_is_none_is_never_a_success(load: Any, reply: bytes) -> None:
    sbom, advisories = load("sbom"), load("advisories")
    components = [*sbom.python_components(PYTHON), *sbom.npm_components(NPM)]
    with pytest.raises(advisories.NotAuditedError):
        advisories.advisories(components, lambda _: reply)
    with pytest.raises(advisories.NotAuditedError):
        advisories.advisories([], answer())


def test_without_an_answer_the_audit_fails_loudly(load: Any, capsys: pytest.CaptureFixture[str]) -> None:
    advisories = load("advisories")
    # nobody listens on this port of our own machine
    assert advisories.main([], lambda question: advisories.ask_osv(question, "http://127.0.0.1:9/querybatch")) == 2
    assert capsys.readouterr().out.startswith("NOT AUDITED")


def test_what_stands_without_a_network_is_said_with_its_date(load: Any) -> None:
    advisories = load("advisories")
    record = {"at": "2026-11-20T00:00:00+00:00", "locks": "d", "found": {}}
    assert advisories.standing(None, "d", NOW).startswith("NOT AUDITED")
    assert advisories.standing(record, "other", NOW).startswith("NOT AUDITED: the locks have changed")
    assert advisories.standing(record, "d", NOW + timedelta(days=90)).startswith("NOT AUDITED for 101 days")
    assert advisories.standing(record, "d", NOW) == "audited on 2026-11-20: 0 packages with advisories"


@pytest.mark.parametrize(
    "line",
    ["eval('1')", "import pickle", "from pickle import loads", "yaml.load(x)", "os.system('x')",
     "subprocess.run('x', shell=True)", "httpx.get(u, verify=False)", "context.verify_mode = ssl.CERT_NONE",
     "context.check_hostname = False", "hashlib.md5(x)", "import xml.etree.ElementTree"],
)  # fmt: skip
def test_each_banned_thing_is_found(load: Any, line: str) -> None:
    assert list(load("banned").uses(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["literal_eval('1')", "subprocess.run(['x'], shell=False)", "if c.verify_mode is not ssl.CERT_NONE: pass",
             "context.check_hostname = True", "hashlib.sha256(x)", "re.compile('x')"],
)  # fmt: skip
def test_what_is_right_is_left_alone(load: Any, line: str) -> None:
    assert not list(load("banned").uses(ast.parse(line)))


def test_an_exemption_of_a_security_rule_says_why(load: Any) -> None:
    banned = load("banned")
    assert list(banned.unexplained("x = 1  # noqa: S608\n")) == [1]
    assert list(banned.unexplained("x = 1  # noqa: S608 names of our own\n")) == []
    assert list(banned.unexplained("# names of our own\nx = 1  # noqa: S608\n")) == []
