"""The data directory, secrets and logs on a real disk."""

import os
import stat
from pathlib import Path

import pytest

from central_hub.adapters import logs, processes
from central_hub.adapters.datadir import DataDir
from central_hub.adapters.secret_files import open_secrets, seed_file
from central_hub.adapters.tick_files import blocks, epoch_of
from central_hub.domain.runstate import ProcessRecord, RunState
from central_hub.ports import HubError
from contracts.subjects import RIGHTS


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.open()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_data_directory_is_for_its_owner_only(data: DataDir) -> None:
    assert [mode(p) for p in (data.root, data.secrets, data.logs, data.run)] == [0o700] * 4


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_secrets_are_made_once_and_never_changed(data: DataDir) -> None:
    first = open_secrets(data.secrets, RIGHTS)
    before = everything(data.secrets)
    second = open_secrets(data.secrets, RIGHTS)
    assert first == second
    assert before == everything(data.secrets)
    assert set(before) == {
        "token.key", "token.pub", "signal.key", "signal.pub", "people.key", "setup.code", "nkeys/public.json",
        "postgres/owner.password", "postgres/app.password", *(f"nkeys/{user}.seed" for user in RIGHTS),
    }  # fmt: skip
    assert all(mode(data.secrets / name) == 0o600 for name in before)


def test_a_setup_code_that_nobody_used_for_half_a_day_is_made_anew(data: DataDir) -> None:
    file = open_secrets(data.secrets, RIGHTS).setup_code
    first, made = file.read_text(), file.stat().st_mtime
    for hours, same in ((11, True), (13, False)):
        os.utime(file, (made - hours * 3_600,) * 2)
        assert (open_secrets(data.secrets, RIGHTS).setup_code.read_text() == first) is same
    assert mode(file) == 0o600


def test_a_first_start_that_was_cut_short_still_leads_to_a_setup_code(data: DataDir) -> None:
    beside = data.secrets / f"signal.pub.{os.getpid()}.new"
    beside.mkdir(parents=True)  # the disk takes the first keys and nothing more
    with pytest.raises(HubError):
        open_secrets(data.secrets, RIGHTS)
    beside.rmdir()
    assert open_secrets(data.secrets, RIGHTS).setup_code.read_text()


def test_a_used_setup_code_does_not_come_back(data: DataDir) -> None:
    open_secrets(data.secrets, RIGHTS).setup_code.unlink()
    assert not open_secrets(data.secrets, RIGHTS).setup_code.exists()


def test_a_new_service_gets_a_key_and_the_others_keep_theirs(data: DataDir) -> None:
    old = open_secrets(data.secrets, ["operator"]).bus
    new = open_secrets(data.secrets, ["operator", "newcomer"]).bus
    assert new["operator"] == old["operator"]
    assert new["newcomer"].startswith("U")
    assert seed_file(data.secrets, "newcomer").read_text().startswith("SU")


def test_passwords_of_earlier_versions_are_taken_over_or_removed(data: DataDir) -> None:
    (data.secrets / "postgres.password").write_text("kept")
    (data.secrets / "bus.json").write_text("{}")
    made = open_secrets(data.secrets, RIGHTS)
    assert made.owner_password.read_text() == "kept"
    assert not (data.secrets / "bus.json").exists()
    assert not (data.secrets / "postgres.password").exists()


def test_damaged_secrets_are_told_in_one_sentence(data: DataDir) -> None:
    open_secrets(data.secrets, RIGHTS)
    (data.secrets / "nkeys" / "public.json").write_text("{")
    with pytest.raises(HubError, match="restore them from a backup"):
        open_secrets(data.secrets, RIGHTS)


def test_two_hubs_never_hold_one_directory(data: DataDir) -> None:
    data.lock()
    other = DataDir(data.root)
    assert other.holder() == os.getpid()
    with pytest.raises(HubError, match="already runs"):
        other.lock()
    data.unlock()
    assert other.holder() == 0
    other.lock()
    other.unlock()


def test_the_state_is_read_back_and_a_damaged_one_counts_as_none(data: DataDir) -> None:
    state = RunState({"nats": 1}, {"nats": ProcessRecord(1, "x", "m", 2, 3)})
    data.write_state(state)
    assert data.read_state() == state
    assert mode(data.state_file) == 0o600
    data.state_file.write_text('{"ports": 1}')
    assert data.read_state() == RunState()
    data.forget_state()
    assert data.read_state() == RunState()


def test_a_process_is_known_by_pid_start_and_command_line() -> None:
    started = processes.started(os.getpid())
    assert started
    me = ProcessRecord(os.getpid(), started, "python")
    assert processes.is_same(me)
    assert not processes.is_same(ProcessRecord(os.getpid(), "another time", "python"))
    assert not processes.is_same(ProcessRecord(os.getpid(), started, "no such marker"))
    assert not processes.is_same(ProcessRecord(2**22 + 1, started, "python"))


def test_a_log_that_has_grown_is_cut_and_its_past_kept(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    for generation in range(5):
        log.write_bytes(b"%d" % generation * 100)
        assert logs.rotate(log, max_bytes=100, kept=3)
    assert log.read_bytes() == b""
    assert [(tmp_path / f"a.log.{n}").read_bytes()[:1] for n in (1, 2, 3)] == [b"4", b"3", b"2"]
    assert not (tmp_path / "a.log.4").exists()


def test_a_writer_goes_on_at_the_start_of_a_cut_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        assert logs.rotate(log, max_bytes=100)
        writer.write(b"after")
    assert log.read_bytes() == b"after"


def test_a_small_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    assert not logs.rotate(tmp_path / "a.log")
    assert not logs.rotate(tmp_path / "none.log")
    assert logs.tail(tmp_path / "none.log") == ""
    assert logs.size(tmp_path / "none.log") == 0


def test_the_tail_begins_where_this_life_began(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\nnew\n")
    assert logs.tail(log, from_byte=4) == "new\n"
    assert logs.tail(log, from_byte=999) == "old\nnew\n"


def test_the_same_file_is_the_same_stream(tmp_path: Path) -> None:
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("x")
    two.write_text("x")
    assert epoch_of(one, "") == epoch_of(two, "")
    assert epoch_of(one, "") != epoch_of(one, "utc")
    assert 0 < epoch_of(one, "") < 10**12 + 1


def test_a_damaged_archive_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"\x1f\x8b\x08\x00 this is not gzip")
    with pytest.raises(HubError, match="can't be read"):
        list(blocks(tmp_path / "a.csv.gz"))
