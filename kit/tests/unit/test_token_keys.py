"""Keys behind tokens change without anybody noticing."""

from pathlib import Path

import pytest

from kit import tokens
from kit.errors import TokenRefused
from kit.keys import key_id, make_private_key, public_text, read_private_key
from kit.testing import FakeClock
from kit.token_keys import TokenKeys, rotate

LIFE_MS = 960_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    key = make_private_key(tmp_path / "token.key")
    (tmp_path / "token.pub").write_text(public_text(key))
    return tmp_path


def mint(folder: Path, clock: FakeClock) -> str:
    key = read_private_key(folder / "token.key")
    return tokens.mint(key, "access+jwt", "api-gateway", "u1", clock.ms // 1000, 900, tenant="default")


def good(token: str, keys: TokenKeys, clock: FakeClock) -> bool:
    try:
        tokens.verify(token, keys, "access+jwt", "api-gateway", clock.ms // 1000, 900)
    except TokenRefused:
        return False
    return True


def test_T15_a_token_of_the_old_key_is_good_until_it_ends_and_the_new_key_is_known_at_once(folder: Path) -> None:
    clock = FakeClock()
    keys = TokenKeys(folder / "token.pub", LIFE_MS, clock.now_ms)
    before = mint(folder, clock)
    assert good(before, keys, clock)
    old, new = rotate(folder, clock.ms, LIFE_MS)
    assert old != new == key_id(read_private_key(folder / "token.key"))
    clock.advance(1_000)
    after = mint(folder, clock)
    assert good(before, keys, clock)
    assert good(after, keys, clock)
    clock.advance(890_000)
    assert good(before, keys, clock)
    clock.advance(20_000)
    assert not good(before, keys, clock)
    assert keys.get(old) is not None
    clock.advance(LIFE_MS)
    assert keys.get(old) is None
    assert keys.get(new) is not None


def test_a_key_retired_long_ago_verifies_nothing_and_is_forgotten(folder: Path) -> None:
    clock = FakeClock()
    first, _ = rotate(folder, clock.ms, LIFE_MS)
    clock.advance(LIFE_MS)
    rotate(folder, clock.ms, LIFE_MS)
    assert len((folder / "token-retired.pub").read_text().splitlines()) == 1
    assert TokenKeys(folder / "token.pub", LIFE_MS, clock.now_ms).get(first) is None


def test_strangers_key_ids_do_not_make_the_files_read_again_all_the_time(folder: Path) -> None:
    clock = FakeClock()
    keys = TokenKeys(folder / "token.pub", LIFE_MS, clock.now_ms)
    assert keys.get("x") is None
    _, new = rotate(folder, clock.ms, LIFE_MS)
    assert keys.get(new) is None
    clock.advance(1_000)
    assert keys.get(new) is not None


def test_a_file_that_is_half_written_changes_nothing(folder: Path) -> None:
    clock = FakeClock()
    keys = TokenKeys(folder / "token.pub", LIFE_MS, clock.now_ms)
    known = key_id(read_private_key(folder / "token.key"))
    (folder / "token.pub").write_text("zz")
    clock.advance(1_000)
    assert keys.get(known) is not None


def test_private_keys_stay_readable_by_their_owner_only(folder: Path) -> None:
    rotate(folder, 1, LIFE_MS)
    assert (folder / "token.key").stat().st_mode & 0o777 == 0o600
