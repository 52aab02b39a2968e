"""A change of the signal key: who may make it, and that no moment is without a key that counts."""

import msgspec
import pytest

from central_hub.adapters.ca_files import CaFiles
from central_hub.adapters.datadir import DataDir
from central_hub.cli import main
from central_hub.cli.terminals import issue
from central_hub.domain.signal_keys import LEAD_MS, OVERLAP_MS, TooSoon, next_list
from contracts.rotation import SignalKey, SignedKeyList
from kit.key_lists import is_live, verify_list
from kit.keys import key_id, make_private_key, public_text, read_private_key

FIRST, SECOND, THIRD = (SignalKey(name, "", 0) for name in ("first", "second", "third"))
NOW = 1_700_000_000_000


def test_at_every_moment_of_a_change_one_or_two_keys_count() -> None:
    changed = next_list(None, FIRST, SECOND, NOW, revoke=False)
    for at in (NOW, NOW + LEAD_MS - 1, NOW + LEAD_MS, NOW + LEAD_MS + OVERLAP_MS):
        assert 1 <= sum(is_live(key, at) for key in changed.keys) <= 2
    assert [k.key_id for k in changed.keys if is_live(k, NOW)] == ["first"]
    assert [k.key_id for k in changed.keys if is_live(k, NOW + LEAD_MS + OVERLAP_MS)] == ["second"]


def test_a_second_change_waits_for_the_first_to_end() -> None:
    changed = next_list(None, FIRST, SECOND, NOW, revoke=False)
    with pytest.raises(TooSoon):
        next_list(changed, FIRST, THIRD, NOW + LEAD_MS, revoke=False)
    later = next_list(changed, FIRST, THIRD, NOW + LEAD_MS + OVERLAP_MS, revoke=False)
    assert (later.version, [k.key_id for k in later.keys]) == (2, ["second", "third"])


def test_a_revocation_leaves_one_key_and_remembers_the_others_for_ever() -> None:
    changed = next_list(None, FIRST, SECOND, NOW, revoke=False)
    revoked = next_list(changed, FIRST, THIRD, NOW + 1, revoke=True)
    assert ([k.key_id for k in revoked.keys], revoked.revoked) == (["third"], ("first", "second"))
    again = next_list(revoked, FIRST, SECOND, NOW + 2, revoke=False)
    assert again.revoked == ("first", "second")


@pytest.fixture
def data(tmp_path):
    secrets = tmp_path / "secrets"
    key = make_private_key(secrets / "signal.key")
    (secrets / "signal.pub").write_text(public_text(key))
    make_private_key(secrets / "ca" / "offline" / "rotation.key")
    return tmp_path


def rotated(data, *more: str) -> int:
    return main(["keys", "rotate", "signal", "--data", str(data), *more])


def test_the_command_makes_a_key_and_a_list_that_the_offline_key_signed(data, capsys) -> None:
    assert rotated(data) == 0
    secrets = data / "secrets"
    signed = msgspec.json.decode((secrets / "signal-keys.json").read_bytes(), type=SignedKeyList)
    offline = read_private_key(secrets / "ca" / "offline" / "rotation.key")
    names = [key.key_id for key in verify_list(signed, offline.public_key()).keys]
    assert names[0] == key_id(read_private_key(secrets / "signal.key"))
    private = secrets / "signal-keys" / f"{names[1]}.key"
    assert (key_id(read_private_key(private)), private.stat().st_mode & 0o777) == (names[1], 0o600)
    assert names[1] in capsys.readouterr().out


def test_a_change_under_way_is_said_and_leaves_no_key_behind(data, capsys) -> None:
    assert rotated(data) == 0
    assert rotated(data) == 1
    assert "still under way" in capsys.readouterr().err
    assert len(list((data / "secrets" / "signal-keys").iterdir())) == 1
    assert rotated(data, "--revoke") == 0


def test_without_the_offline_key_nothing_changes(data, capsys) -> None:
    (data / "secrets" / "ca" / "offline" / "rotation.key").unlink()
    assert rotated(data) == 1
    assert "bring the folder `offline` back" in capsys.readouterr().err
    assert not (data / "secrets" / "signal-keys.json").exists()


def test_a_list_of_another_offline_key_is_not_continued(data, tmp_path, capsys) -> None:
    assert rotated(data) == 0
    make_private_key(tmp_path / "other.key")
    assert rotated(data, "--rotation-key", str(tmp_path / "other.key")) == 1
    assert "was not signed by this rotation key" in capsys.readouterr().err


def test_an_enrolment_after_a_revocation_names_the_key_that_counts_and_no_other(data, capsys) -> None:
    CaFiles(data / "secrets").open()
    before = issue(DataDir(data), "default", "1", "wss://127.0.0.1:1/terminal").signal_keys
    assert rotated(data, "--revoke") == 0
    after = issue(DataDir(data), "default", "2", "wss://127.0.0.1:1/terminal").signal_keys
    assert (len(before), len(after), set(before) & set(after)) == (1, 1, set())
