"""Whatever Windows or a keyring promises is asked of the stand-in and, where it exists, of the real one."""

import os
import sys

import pytest

from client_security.adapters.system_keyring import SystemKeyring, system_keyring
from client_security.adapters.windows_dpapi import WindowsDpapi
from client_security.ports import Dpapi, Keyring
from client_security.testing import FakeDpapi, FakeKeyring

ON_WINDOWS = pytest.mark.skipif(sys.platform != "win32", reason="NOT RUN: DPAPI exists on Windows only")


@pytest.fixture(params=[pytest.param(FakeDpapi, id="fake"), pytest.param(WindowsDpapi, id="windows", marks=ON_WINDOWS)])
def dpapi(request: pytest.FixtureRequest) -> Dpapi:
    return request.param()


def test_dpapi_gives_back_what_it_was_given_with_the_same_entropy_only(dpapi) -> None:
    blob = dpapi.protect(b"key" * 10, b"entropy")
    assert b"keykey" not in blob
    assert dpapi.unprotect(blob, b"entropy") == b"key" * 10
    with pytest.raises(OSError):
        dpapi.unprotect(blob, b"another")


def test_dpapi_refuses_a_blob_that_was_cut(dpapi) -> None:
    with pytest.raises(OSError):
        dpapi.unprotect(dpapi.protect(b"key", b"e")[:-2], b"e")


@pytest.mark.skipif(sys.platform == "win32", reason="elsewhere than on Windows")
def test_dpapi_says_that_this_is_not_windows() -> None:
    with pytest.raises(OSError, match="not Windows"):
        WindowsDpapi().protect(b"", b"")


def _real() -> SystemKeyring | None:
    return system_keyring() if os.environ.get("AITRADING_TEST_KEYRING") == "1" else None


@pytest.fixture(params=["fake", "real"])
def keyring(request: pytest.FixtureRequest) -> Keyring:
    if request.param == "fake":
        return FakeKeyring()
    real = _real()
    if real is None:
        pytest.skip(
            "NOT RUN: needs a session with a keyring, and AITRADING_TEST_KEYRING=1 as permission to write to it"
        )
    return real


def test_a_keyring_keeps_replaces_and_forgets(keyring) -> None:
    name = f"test-{os.getpid()}"
    try:
        assert keyring.get(name) is None
        keyring.put(name, "one")
        keyring.put(name, "two")
        assert keyring.get(name) == "two"
    finally:
        keyring.remove(name)
    assert keyring.get(name) is None
    keyring.remove(name)


def test_plain_text_backends_of_the_library_are_not_used() -> None:
    found = system_keyring()
    assert found is None or type(found._backend).__module__.startswith("keyring.backends.")
