"""Facts about settings, logs, backoff, keys and fingerprints."""

import random
import stat
from pathlib import Path

import msgspec
import pytest

from kit import log, settings
from kit.backoff import Backoff
from kit.errors import SettingsError
from kit.faults import fingerprint
from kit.keys import key_id, make_private_key, public_text, read_public


class Example(settings.ServiceSettings, frozen=True, kw_only=True):
    key: Path
    flags: tuple[str, ...] = ()
    dry: bool = False


ENVIRON = {"AITRADING_DATA_DIR": "/d", "AITRADING_SVC_PORT": "8001", "AITRADING_SVC_KEY": "/k"}


def test_own_names_win_over_shared_ones() -> None:
    config = settings.load(
        Example, {**ENVIRON, "AITRADING_PORT": "1", "AITRADING_FLAGS": "a, b", "AITRADING_DRY": "yes"}, "svc"
    )
    assert (config.port, config.key, config.flags, config.dry) == (8001, Path("/k"), ("a", "b"), True)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as wrong:
        settings.load(Example, {"AITRADING_SVC_PORT": "eight", "AITRADING_DRY": "perhaps"}, "svc")
    text = str(wrong.value)
    assert "AITRADING_SVC_PORT='eight'" in text
    assert "AITRADING_SVC_KEY" in text
    assert "AITRADING_DATA_DIR" in text
    assert "use true or false" in text


@pytest.mark.parametrize(
    "event",
    [
        {"password": "hunter2hunter2"},
        {"nested": {"api_key": "hunter2hunter2"}},
        {"url": "postgres://user:hunter2hunter2@host/db"},
        {"text": "Bearer eyJhbGciOiJFZDI1NTE5In0.hunter2hunter2.sig"},
        {"list": [{"cookie": "hunter2hunter2"}]},
        {"raw": b"hunter2hunter2"},
    ],
)
def test_secrets_never_reach_a_log(event: dict[str, object]) -> None:
    assert "hunter2hunter2" not in str(log.redact(event))


def test_long_texts_are_cut() -> None:
    assert len(log.redact("x" * 10_000)) < 5_000


def test_backoff_grows_is_jittered_and_ends() -> None:
    delays = list(Backoff(0.1, 1.0, 0.5, attempts=8, rng=random.Random(1)).delays())
    assert len(delays) == 8
    assert all(0 < d <= 1.0 for d in delays)
    assert delays[-1] > delays[0]


def test_a_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "a.key"
    key = make_private_key(path)
    assert public_text(make_private_key(path)) == public_text(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_id(read_public(public_text(key))) == key_id(key)


def _fail(message: str) -> BaseException:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_the_same_fault_has_the_same_mark_whatever_its_figures() -> None:
    one, two, three = _fail("order 17 'abc'"), _fail("order 2999 'xyz'"), _fail("no money")
    assert fingerprint(one) == fingerprint(two)
    assert fingerprint(one)[1] != fingerprint(three)[1]


def test_settings_are_frozen() -> None:
    config = settings.load(Example, ENVIRON, "svc")
    with pytest.raises(AttributeError):
        config.port = 1  # type: ignore[misc]
    assert isinstance(config, msgspec.Struct)
