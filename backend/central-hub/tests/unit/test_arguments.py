"""The command line: what is asked wrongly is told in one sentence."""

import io
import json
from pathlib import Path

import pytest

from central_hub.cli import PLAN_NAMES, main, parser
from central_hub.cli.usage import days_of, row
from central_hub.domain.enrolment import EnrolmentFault, check
from central_hub.ports import HubError
from contracts.tenants import UsageDay
from kit.policy import PLANS, UNLIMITED


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["up", "--ports-from", "x"],
        ["user", "add", "ann"],
        ["user", "add", "ann", "--role", "king"],
        ["ticks"],
    ],
)
def test_a_wrong_command_line_exits_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: aitrading" in capsys.readouterr().err


def test_ports_are_either_neighbours_or_any_free_ones() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--ports-from", "20000", "--free-ports"])


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("aitrading 0.")
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["aitrading"]


def test_status_of_nothing_says_so_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--data", str(tmp_path)]) == 1
    assert "Nothing runs" in capsys.readouterr().out
    assert main(["status", "--json", "--data", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["services"] == []


def test_stopping_nothing_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["down", "--data", str(tmp_path)]) == 0
    assert "Nothing runs" in capsys.readouterr().out


def test_enrolling_before_the_first_start_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["terminal", "add", "--account", "1", "--data", str(tmp_path)]) == 1
    assert "aitrading up" in capsys.readouterr().err


def test_a_data_directory_that_is_a_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["up", "--data", str(tmp_path / "file")]) == 1
    said = capsys.readouterr().err
    assert "can't be used" in said
    assert said.count("\n") == 1


def test_a_tick_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ticks", "import", str(tmp_path / "x.csv"), "--symbol", "EURUSD", "--data", str(tmp_path)]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_a_symbol_that_can_not_be_one_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ticks", "import", "x.csv", "--symbol", "EUR USD", "--data", str(tmp_path)]) == 1
    assert "'EUR USD' is not a symbol" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tenant", "account", "server", "said"),
    [
        ("Default", "1", "wss://127.0.0.1/terminal", "not a tenant"),
        ("default", "a b", "wss://127.0.0.1/terminal", "not an account"),
        ("default", "1", "http://127.0.0.1", "not the address"),
        ("default", "1", "ws://127.0.0.1/terminal", "not the address"),
    ],
)
def test_an_enrolment_that_can_not_work_is_refused(tenant: str, account: str, server: str, said: str) -> None:
    with pytest.raises(EnrolmentFault, match=said):
        check(tenant, account, server)


def test_a_good_enrolment_is_not_refused() -> None:
    check("default", "1000001", "wss://127.0.0.1:8001/terminal")
    check("default", "1000001", "wss://trade.example.org/terminal")


@pytest.mark.parametrize(
    ("name", "tenant", "password", "said"),
    [
        ("", "default", "x" * 12, "1 to 64"),
        ("a\nb", "default", "x" * 12, "control"),
        ("ann", "A", "correct horse battery", "not a tenant"),
        ("ann", "default", "x" * 11, "at least 12"),
        ("ann", "default", "passwordpassword", "lists"),
        ("Ann Of Ghent", "default", "ann of ghent", "must not be the user name"),
    ],
)
def test_a_person_that_can_not_be_added_is_told_why(
    name: str,
    tenant: str,
    password: str,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    arguments = ["user", "add", name, "--role", "viewer", "--tenant", tenant, "--password-stdin"]
    assert main([*arguments, "--data", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


def test_the_command_line_names_the_plans_that_there_are() -> None:
    assert set(PLAN_NAMES) == set(PLANS)
    assert PLAN_NAMES[0] == UNLIMITED


@pytest.mark.parametrize(("month", "days"), [("2026-11", 30), ("2026-12", 31), ("2024-02", 29)])
def test_a_month_of_usage_is_all_of_its_days(month: str, days: int) -> None:
    first, after = days_of(month)
    assert after - first == days
    assert row(UsageDay("acme", first, ticks=7))[1:3] == (f"{month}-01", 7)


def test_a_month_that_is_none_is_told() -> None:
    with pytest.raises(HubError, match="not a month"):
        days_of("2026-13")
