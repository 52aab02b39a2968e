"""What a person reads when the web build cannot go on: one sentence with the cause and the remedy."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def build_web(load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with a web folder of its own."""
    module = load("build_web")
    web = tmp_path / "web"
    for name, path in {"WEB": web, "DIST": web / "dist", "MODULES": web / "node_modules"}.items():
        monkeypatch.setattr(module, name, path)
    for name in ("INSTALLED", "BUILT", "LOG"):
        monkeypatch.setattr(module, name, web / "node_modules" / f".{name}")
    (web / "app").mkdir(parents=True)
    (web / "package-lock.json").write_text("{}")
    return module


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("npm error code ENOSPC", "the disk is full"),
        ("npm error code ENOTFOUND", "the npm registry cannot be reached"),
        ("npm error network request failed, reason: connect ECONNREFUSED", "the npm registry cannot be reached"),
        ("npm ci can only install packages when your package.json and package-lock.json are in sync", "does not fit"),
    ],
)
def test_the_cause_of_a_failed_step_is_named(build_web: ModuleType, output: str, sentence: str) -> None:
    assert sentence in str(build_web.explain("npm ci", output))


def test_an_unknown_failure_leaves_its_output_in_a_log(build_web: ModuleType) -> None:
    error = build_web.explain("next build", "a stranger's words")
    assert "what it printed is in web/node_modules/.LOG" in str(error)
    assert build_web.LOG.read_text() == "a stranger's words"


def test_a_missing_node_is_said_with_its_remedy(build_web: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(build_web.BuildError, match="uv sync"):
        build_web.node_binary()


def test_only_a_changed_source_changes_the_digest(build_web: ModuleType) -> None:
    first = build_web.digest(build_web.sources())
    (build_web.WEB / "app" / "next-env.d.ts").write_text("generated")
    (build_web.WEB / "app" / "tests").mkdir()
    (build_web.WEB / "app" / "tests" / "a.test.ts").write_text("a test")
    (build_web.WEB / "dist").mkdir()
    (build_web.WEB / "dist" / "index.html").write_text("built")
    assert build_web.digest(build_web.sources()) == first
    (build_web.WEB / "app" / "page.tsx").write_text("a source")
    assert build_web.digest(build_web.sources()) != first


def test_a_full_disk_is_a_sentence_and_no_traceback(
    build_web: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_force: bool) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(build_web, "build", full)
    monkeypatch.setattr(sys, "argv", ["build_web.py"])
    assert build_web.main() == 1
    assert capsys.readouterr().err == "The web build stopped: the disk is full.\n"


def test_a_certificate_nobody_trusts_is_told_apart_from_a_network_that_is_away(build_web: ModuleType) -> None:
    fault = build_web.explain(
        "npm ci", "npm error code SELF_SIGNED_CERT_IN_CHAIN\nrequest to https://x failed, reason: y"
    )
    assert "SSL_CERT_FILE" in str(fault)
