"""A terminal's configuration: what is accepted, and what a mistake is answered with."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import mt5sim as mt5

ROWS = "ts_ms_utc,bid,ask\n1700000000000,1.1,1.1002\n1700000001000,1.2,1.2002\n"
README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "the document: write a JSON object"),
        ({"acount": {}}, "unknown key 'acount'"),
        ({"account": {"leverage": "100"}}, "account.leverage is '100': wrong type"),
        ({"account": {"leverage": True}}, "account.leverage is True: wrong type"),
        ({"account": {"leverage": 0}}, "account.leverage: use a positive number"),
        ({"account": {"margin_mode": "both"}}, "use hedging, netting or exchange"),
        ({"account": {"trade_mode": "real"}}, "never real"),
        ({"account": {"server": "ICMarkets-Live"}}, 'must contain "sim"'),
        ({"account": {"pasword": "x"}}, "account.pasword is unknown"),
        ({"account": {"balance": -1}}, "account.balance"),
        ({"clock": "cet"}, "use one of utc, ny+7"),
        ({"market": {"kind": "dream"}}, "use generator or replay or live"),
        ({"market": {"kind": "replay", "file": "x.csv"}}, "market.symbol is missing"),
        (
            {"market": {"kind": "replay", "file": "x.csv", "symbol": "EURUSD", "speed": -1}},
            "market.speed is -1.0",
        ),
        ({"market": {"kind": "replay", "file": "x.csv", "symbol": "ABC"}}, "add a profile of that name"),
        ({"market": {"kind": "generator", "ticks_per_second": 0}}, "market.ticks_per_second"),
        ({"market": {"kind": "generator", "symbols": ["ABC"]}}, "no profile for ABC"),
        ({"market": {"kind": "generator", "seed": -1}}, "market.seed"),
        ({"symbols": ["ABC"]}, "'ABC' is not built in"),
        ({"symbols": ["EURUSD", "EURUSD"]}, "EURUSD is listed twice"),
        ({"symbols": [{"name": "ABC"}]}, "symbols.ABC.base is missing"),
        ({"symbols": [{"name": "EURUSD", "volume_min": 5, "volume_max": 1}]}, "0 < volume_min <= volume_max"),
        ({"symbols": [{"name": "EURUSD", "calc_mode": 34}]}, "calc_mode 34 is not simulated"),
        ({"conversion": {"EURUSD": "x"}}, "conversion: write"),
        ({"faults": {"explode": True}}, "faults.explode is unknown"),
        ({"state_file": 5}, "state_file: write a path"),
    ],
)
def test_a_mistake_is_named_and_says_what_to_write(document: Any, words: str) -> None:
    with pytest.raises(mt5.ConfigError, match=re.escape(words)):
        mt5.parse_config(document)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(mt5.ConfigError) as caught:
        mt5.parse_config({"account": {"login": "x", "leverage": "y"}, "clock": 5, "x": 1})
    assert all(word in str(caught.value) for word in ("account.login", "account.leverage", "clock", "unknown key 'x'"))


def test_the_readme_example_is_a_valid_configuration(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", README.read_text("utf-8"), re.S)
    assert example is not None
    config = mt5.parse_config(json.loads(example.group(1)), tmp_path)
    assert isinstance(config.market, mt5.Replay)
    assert config.market.file == tmp_path / "eurusd.csv.gz"
    assert config.state_file == tmp_path / "account.sqlite"


def test_a_symbol_may_start_from_a_built_in_one_under_another_name() -> None:
    (profile,) = mt5.parse_config({"symbols": [{"name": "XAUUSD.r", "like": "XAUUSD", "volume_max": 5}]}).symbols
    assert (profile.name, profile.volume_max, profile.contract_size) == ("XAUUSD.r", 5.0, 100.0)


def test_initialize_starts_the_terminal_of_a_json_file(tmp_path: Path) -> None:
    (tmp_path / "ticks.csv").write_text(ROWS)
    file = tmp_path / "terminal.json"
    market = {"kind": "replay", "file": "ticks.csv", "symbol": "EURUSD", "speed": 0}
    file.write_text(
        json.dumps({"account": {"login": 42, "balance": 500}, "market": market, "faults": {"retcode": 10006}})
    )
    assert mt5.initialize(str(file)), mt5.last_error()
    assert (mt5.account_info().login, mt5.account_info().balance) == (42, 500.0)
    assert mt5.faults.retcode == 10006
    assert mt5.terminal_info().path == str(tmp_path.resolve())


def test_initialize_again_with_the_same_file_finds_the_account_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "terminal.json"
    file.write_text("{}")
    assert mt5.initialize(str(file))
    mt5.order_send(action=1, symbol="EURUSD", volume=0.1, type=0)
    assert mt5.initialize(path=str(file))
    assert mt5.positions_total() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "cannot read it as JSON"), ('{"clock": "x"}', "use one of utc, ny+7"), (None, "cannot read it as JSON")],
)
def test_a_broken_file_makes_initialize_false_with_the_reason(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "terminal.json"
    if content is not None:
        file.write_text(content)
    assert mt5.initialize(str(file)) is False
    code, text = mt5.last_error()
    assert code == -10003
    assert text.startswith("IPC initialize failed, ")
    assert words in text


def test_the_path_of_a_real_terminal_starts_nothing() -> None:
    assert mt5.initialize("C:\\Program Files\\MetaTrader 5\\terminal64.exe") is False
    assert mt5.last_error()[0] == -10003


def test_another_login_server_or_password_is_refused() -> None:
    account = mt5.Account(login=5, password="secret", server="mt5sim-A")
    mt5.load(mt5.TerminalConfig(account=account))
    assert mt5.login(5, "secret", "mt5sim-A")
    for wrong in ({"login": 6}, {"login": 5, "password": "x"}, {"server": "mt5sim-B"}):
        assert mt5.initialize(**wrong) is False
        assert mt5.last_error() == (-6, "Terminal: Authorization failed")
    assert mt5.initialize(login=5, password="secret", server="mt5sim-A", timeout=100, portable=True)


def test_a_currency_that_nothing_converts_is_found_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(mt5.ConfigError, match=re.escape('"conversion": {"USDEUR": rate}')):
        mt5.load(mt5.TerminalConfig(account=mt5.Account(currency="EUR"), symbols=(mt5.BUILT_IN["XAUUSD"],)))


def test_an_unknown_knob_from_python_is_refused() -> None:
    with pytest.raises(mt5.ConfigError, match="explode"):
        mt5.TerminalConfig(faults={"explode": True})
