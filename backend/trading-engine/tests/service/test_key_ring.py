"""The engine signs with the key whose time has come."""

import os
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.rotation import KeyList, SignalKey
from kit.key_lists import sign_list
from kit.keys import key_id, make_private_key, public_text
from trading_engine.adapters.key_ring import KeyRing

OFFLINE = Ed25519PrivateKey.generate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_private_key(tmp_path / "signal.key")
    return tmp_path


def announce(folder: Path, version: int, *keys: SignalKey) -> None:
    fresh = folder / "fresh"
    fresh.write_bytes(msgspec.json.encode(sign_list(KeyList(version, 1, 2, keys), OFFLINE)))
    os.replace(fresh, folder / "signal-keys.json")


def named(key: Ed25519PrivateKey, from_ms: int, until_ms: int = 0) -> SignalKey:
    return SignalKey(key_id(key), public_text(key), from_ms, until_ms)


def made(folder: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    path = folder / "signal-keys" / f"{key_id(key)}.key"
    path.parent.mkdir(exist_ok=True)
    path.write_text(key.private_bytes_raw().hex())
    return key


def test_the_new_key_signs_from_its_moment_on_and_the_same_signal_always_by_the_same_key(folder: Path) -> None:
    first = make_private_key(folder / "signal.key")
    ring, fresh = KeyRing(folder / "signal.key", first), made(folder)
    assert ring.key_at(50) is first
    announce(folder, 1, named(first, 0, 300), named(fresh, 100))
    assert [key_id(ring.key_at(at)) for at in (99, 100, 99)] == [key_id(k) for k in (first, fresh, first)]


def test_after_a_revocation_the_only_key_left_signs_even_what_was_decided_before(folder: Path) -> None:
    first = make_private_key(folder / "signal.key")
    ring, fresh = KeyRing(folder / "signal.key", first), made(folder)
    announce(folder, 1, named(fresh, 100))
    assert key_id(ring.key_at(50)) == key_id(fresh)


def test_a_list_whose_key_is_not_here_changes_nothing(folder: Path) -> None:
    first = make_private_key(folder / "signal.key")
    ring = KeyRing(folder / "signal.key", first)
    announce(folder, 1, named(Ed25519PrivateKey.generate(), 0))
    assert ring.key_at(50) is first
    (folder / "signal-keys.json").write_text("{")
    assert ring.key_at(50) is first
