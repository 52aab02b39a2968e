"""Settings are typed, every version is kept, and a torn file never becomes the current one."""

import msgspec
import pytest

from config_manager.adapters.version_files import KEEP, VersionFiles
from config_manager.domain.client_config import ClientConfig, ConfigRefused, checked, read


def path_of(files: VersionFiles, number: int):
    return files.directory / f"{number:08d}.json"


def test_the_newest_version_is_the_current_one(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    assert files.current() is None
    files.save(ClientConfig(symbols=("EURUSD",)), "first", 1)
    files.save(ClientConfig(symbols=("XAUUSD",)), "second", 2)
    assert files.current().config.symbols == ("XAUUSD",)
    assert [v.why for v in files.all()] == ["first", "second"]


def test_a_roll_back_is_a_new_version_with_the_old_values(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    files.save(ClientConfig(poll_ms=5.0), "first", 1)
    files.save(ClientConfig(poll_ms=50.0), "second", 2)
    version = files.roll_back(1, 3)
    assert (version.number, files.current().config.poll_ms, len(files.all())) == (3, 5.0, 3)
    with pytest.raises(ConfigRefused, match="no version 99"):
        files.roll_back(99, 4)


def test_a_write_torn_at_any_byte_leaves_the_version_before_it(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    files.save(ClientConfig(poll_ms=5.0), "good", 1)
    files.save(ClientConfig(poll_ms=50.0), "torn", 2)
    whole = path_of(files, 2).read_bytes()
    for size in range(0, len(whole), 13):
        path_of(files, 2).write_bytes(whole[:size])
        assert files.current().config.poll_ms == 5.0
        path_of(files, 2).with_suffix(".bad").unlink()


def test_a_changed_byte_is_noticed_and_the_file_is_kept_for_inspection(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    files.save(ClientConfig(), "good", 1)
    files.save(ClientConfig(), "bad", 2)
    path_of(files, 2).write_bytes(path_of(files, 2).read_bytes().replace(b"ny+7", b"utc "))
    assert files.current().number == 1
    assert path_of(files, 2).with_suffix(".bad").exists()
    assert files.save(ClientConfig(), "next", 3).number == 3


def test_a_half_written_new_file_is_no_version(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    (tmp_path / "00000001.new").write_text("{")
    assert files.all() == []


def test_only_the_newest_fifty_are_kept(tmp_path) -> None:
    files = VersionFiles(tmp_path)
    for i in range(KEEP + 3):
        files.save(ClientConfig(), str(i), i)
    assert len(files.all()) == KEEP
    assert files.current().number == KEEP + 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"terminal": "mt4"},
        {"terminal_clock": "cet"},
        {"poll_ms": 0.0},
        {"first_read_s": -2},
        {"spool_max_mb": 0},
        {"log_level": "loud"},
        {"symbols": ("A,B",)},
    ],
)
def test_wrong_settings_are_refused_in_words(tmp_path, wrong) -> None:
    with pytest.raises(ConfigRefused, match="the settings can't be used"):
        VersionFiles(tmp_path).save(ClientConfig(**wrong), "x", 1)


def test_a_version_with_settings_that_no_longer_make_sense_is_not_read() -> None:
    assert read(b"not json") is None
    assert checked(ClientConfig()) == ClientConfig()
    assert read(msgspec.json.encode({"number": 1, "at_ms": 1, "why": "", "config": {"poll_ms": 0.0}})) is None
