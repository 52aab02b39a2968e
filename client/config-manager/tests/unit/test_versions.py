"""Settings are typed, every version is kept, and no damage to a file ever becomes the current one."""

import os
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config_manager.adapters.version_files import KEEP, VersionFiles
from config_manager.domain.client_config import (
    SETTINGS,
    ClientConfig,
    ConfigRefused,
    checked,
    faults,
    made_of,
    of_text,
)
from config_manager.domain.versions import Choice, Version, document_of, read, with_offer
from contracts.client_config import ClientConfigOffer


def save(files: VersionFiles, why: str = "x", now_ms: int = 1, **local: object) -> Version | None:
    return files.change(lambda now: (msgspec.structs.replace(now, local={**now.local, **local}), why), now_ms)


def path_of(files: VersionFiles, number: int) -> Path:
    return files.directory / f"{number:08d}.json"


def test_the_newest_version_is_the_current_one(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    assert files.current() is None
    save(files, "first", symbols=("EURUSD",))
    save(files, "second", symbols=("XAUUSD",))
    assert files.current().config.symbols == ("XAUUSD",)
    assert [v.why for v in files.all()] == ["first", "second"]
    assert save(files, "the same", symbols=("XAUUSD",)) is None


def test_a_roll_back_is_a_new_version_with_the_old_values(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    save(files, "first", poll_ms=5.0)
    save(files, "second", poll_ms=50.0)
    version = files.roll_back(1, 3)
    assert (version.number, files.current().config.poll_ms, len(files.all())) == (3, 5.0, 3)
    with pytest.raises(ConfigRefused, match="no version 99"):
        files.roll_back(99, 4)


def test_F16_a_write_torn_at_any_byte_leaves_the_version_before_it_and_is_said(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    save(files, "good", poll_ms=5.0)
    save(files, "torn", poll_ms=50.0)
    whole = path_of(files, 2).read_bytes()
    for size in range(len(whole)):
        path_of(files, 2).write_bytes(whole[:size])
        assert files.current().config.poll_ms == 5.0, size
        assert files.damaged() == ("00000002.bad",)
        assert (tmp_path / "00000002.bad").read_bytes() == whole[:size]
        (tmp_path / "00000002.bad").unlink()
    path_of(files, 2).write_bytes(whole)
    assert files.current().config.poll_ms == 50.0


def test_F16_a_byte_changed_anywhere_leaves_the_version_before_it(tmp_path) -> None:
    whole = document_of(Version(2, 7, "why", Choice({"poll_ms": 50.0, "symbols": ("EURUSD",)})))
    assert read(whole) is not None
    for at in range(len(whole)):
        for bit in (1, 128):
            assert read(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]) is None, (at, bit)
    for more in (b"\0", b"\n", b" ", whole):
        assert read(whole + more) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_F16_a_power_cut_during_any_step_of_a_save_loses_no_version(tmp_path_factory, data) -> None:
    """A save writes a new file bit by bit and renames it: whatever stands there when the power fails, what was saved
    before is still there, and the next save works."""
    files = VersionFiles(tmp_path_factory.mktemp("config"))
    saved = data.draw(st.integers(1, 4))
    for n in range(saved):
        save(files, f"v{n}", poll_ms=float(n + 1))
    document = document_of(Version(saved + 1, 9, "cut", Choice({"poll_ms": 99.0})))
    cut = data.draw(st.integers(0, len(document)))
    name = data.draw(st.sampled_from([f"{saved + 1:08d}.json.{os.getpid()}.new", f"{saved + 1:08d}.json"]))
    (files.directory / name).write_bytes(document[:cut] + b"\0" * data.draw(st.integers(0, 3)))
    whole = name.endswith(".json") and (files.directory / name).read_bytes() == document
    assert files.current().config.poll_ms == (99.0 if whole else float(saved))
    assert len(files.all()) == saved + whole
    assert save(files, "after", poll_ms=500.0).number > saved
    assert files.current().config.poll_ms == 500.0


def test_several_damaged_files_of_one_number_are_all_kept(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    save(files, poll_ms=5.0)
    for content in (b"a", b"b"):
        path_of(files, 2).write_bytes(content)
        files.all()
    assert files.damaged() == ("00000002.2.bad", "00000002.bad")
    assert save(files, poll_ms=6.0).number == 3


def test_a_version_under_another_number_is_not_believed(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    save(files, poll_ms=5.0)
    path_of(files, 9).write_bytes(path_of(files, 1).read_bytes())
    assert files.current().number == 1
    assert files.damaged() == ("00000009.bad",)


def test_files_are_for_their_owner_only_and_only_the_newest_fifty_are_kept(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    for i in range(KEEP + 3):
        save(files, str(i), poll_ms=float(i + 1))
    assert len(files.all()) == KEEP
    assert files.current().number == KEEP + 3
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.json")} == {0o600}


def test_settings_of_the_clients_before_are_read(tmp_path) -> None:
    import hashlib

    old = {"number": 1, "at_ms": 5, "why": "given", "config": {"terminal": "mt5sim", "poll_ms": 5.0}, "checksum": ""}
    old["checksum"] = hashlib.sha256(msgspec.json.encode(old, order="sorted")).hexdigest()
    path_of(VersionFiles(tmp_path), 1).write_bytes(msgspec.json.format(msgspec.json.encode(old), indent=2))
    current = VersionFiles(tmp_path).current()
    assert (current.config.terminal, current.config.poll_ms, current.choice.local) == (
        "mt5sim", 5.0, {"terminal": "mt5sim", "poll_ms": 5.0},
    )  # fmt: skip
    spoiled = {**old, "why": "changed"}
    assert read(msgspec.json.encode(spoiled)) is None


def test_every_setting_has_its_row_in_the_table_and_is_good_as_it_comes() -> None:
    assert tuple(SETTINGS) == ClientConfig.__struct_fields__
    assert faults(ClientConfig()) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"terminal": "mt4"}, "terminal is 'mt4': use MetaTrader5 or mt5sim"),
        ({"terminal_clock": "cet"}, "terminal_clock is 'cet'"),
        ({"poll_ms": 0.0}, "poll_ms is 0.0: use 1 to 1000 ms"),
        ({"poll_ms": float("nan")}, "poll_ms is nan: use 1 to 1000 ms"),
        ({"poll_ms": "fast"}, "poll_ms is 'fast': give a number, 1 to 1000 ms"),
        ({"first_read_s": -2}, "first_read_s is -2: use -1 to 315360000 s"),
        ({"first_read_s": 1.5}, "first_read_s is '1.5': give a whole number"),
        ({"spool_max_mb": 0}, "spool_max_mb is 0: use 1 to 1000000 MB"),
        ({"spool_max_mb": True}, "spool_max_mb is 'True': give a whole number"),
        ({"log_level": "loud"}, "log_level is 'loud'"),
        ({"symbols": ("A,B",)}, "symbols holds 'A,B'"),
        ({"symbols": "EURUSD"}, "symbols is 'EURUSD': give texts, separated by commas"),
        ({"news_sources": ("ftp://x",)}, "news_sources holds 'ftp://x'"),
        ({"news_enabled": "maybe"}, "news_enabled is 'maybe': give true or false"),
        ({"max_volume": 5}, "there is no setting 'max_volume'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(tmp_path, wrong, says) -> None:
    with pytest.raises(ConfigRefused, match=re.escape(says)):
        save(VersionFiles(tmp_path), **wrong)
    assert VersionFiles(tmp_path).all() == []


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigRefused, match=r"poll_ms.*spool_max_mb"):
        made_of({"poll_ms": 0.0, "spool_max_mb": 0})
    assert checked(ClientConfig()) == ClientConfig()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("poll_ms", "5", 5.0), ("first_read_s", "-1", -1), ("symbols", "EURUSD, XAUUSD", ("EURUSD", "XAUUSD")),
        ("symbols", "", ()), ("news_enabled", "off", False), ("terminal", "mt5sim", "mt5sim"),
    ],
)  # fmt: skip
def test_values_are_read_as_a_person_types_them(name, text, value) -> None:
    assert of_text(name, text) == value


@pytest.mark.parametrize(("name", "text"), [("poll_ms", "fast"), ("news_enabled", "maybe"), ("what", "1")])
def test_what_a_person_mistypes_is_named(name, text) -> None:
    with pytest.raises(ConfigRefused, match=name):
        of_text(name, text)


# the trader's values and the server's ----------------------------------------------------------------------------


def offer(revision: int = 1, **values: object) -> ClientConfigOffer:
    return ClientConfigOffer("default", "", revision, 1, values)


def test_the_server_wins_unless_the_trader_keeps_a_setting() -> None:
    choice = Choice({"poll_ms": 5.0, "symbols": ("EURUSD",)}, kept=("symbols", "log_level"))
    after, said = with_offer(choice, offer(3, poll_ms=50, symbols=["XAUUSD"], log_level="debug", spool_max_mb=7))
    config = after.effective()
    assert (config.poll_ms, config.symbols, config.log_level, config.spool_max_mb) == (50.0, ("EURUSD",), "info", 7)
    assert [after.origin(n) for n in ("poll_ms", "symbols", "log_level", "spool_max_mb", "terminal")] == [
        "server", "yours", "default", "server", "default",
    ]  # fmt: skip
    assert said == "revision 3 of the server"


def test_what_the_server_takes_back_is_the_traders_again() -> None:
    choice, _ = with_offer(Choice({"poll_ms": 5.0}), offer(1, poll_ms=50))
    after, _ = with_offer(choice, offer(2))
    assert (choice.effective().poll_ms, after.effective().poll_ms) == (50.0, 5.0)


@pytest.mark.parametrize("revision", [-1, 0, 1, 2])
def test_F18_an_older_or_equal_revision_is_left(revision) -> None:
    choice, _ = with_offer(Choice(), offer(2, poll_ms=50))
    with pytest.raises(ConfigRefused, match="not newer than 2"):
        with_offer(choice, offer(revision, poll_ms=5))


@pytest.mark.parametrize("name", [n for n, s in SETTINGS.items() if not s.from_server])
def test_F18_a_server_may_not_name_programs_or_the_clock(name) -> None:
    with pytest.raises(ConfigRefused, match=f"a server may not set {name}"):
        with_offer(Choice(), offer(1, **{name: "utc", "poll_ms": 50}))


def test_F18_no_document_reaches_the_traders_limits_and_strange_names_are_said() -> None:
    after, said = with_offer(Choice(), offer(1, max_volume="100", kill_switch=False, poll_ms=50))
    assert after.offered == {"poll_ms": 50}
    assert said == "revision 1 of the server, without kill_switch, max_volume, unknown to this client"


def test_F18_a_server_may_not_name_files_of_the_pc_or_values_out_of_range() -> None:
    with pytest.raises(ConfigRefused, match="files of this PC"):
        with_offer(Choice(), offer(1, news_sources=["a:rss=file:secrets/vault.bin"]))
    with pytest.raises(ConfigRefused, match="poll_ms"):
        with_offer(Choice(), offer(1, poll_ms=0))


def test_going_back_keeps_what_the_server_offers_now(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    save(files, "first", poll_ms=5.0)
    files.change(lambda now: with_offer(now, offer(7, spool_max_mb=9)), 2)
    save(files, "second", poll_ms=6.0)
    back = files.roll_back(1, 3)
    assert (back.config.poll_ms, back.config.spool_max_mb, back.choice.revision) == (5.0, 9, 7)
