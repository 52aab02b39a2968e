"""Each check of the doctor: what is wrong has a name, and something a person can do."""

import pytest

from desktop import doctor
from desktop.doctor import FAIL, OK, WARN, Finding
from desktop.setup_steps import Look

GOOD = Look("", "MT5", 5000, False, 1000001, "Demo", "Broker", "USD", "a demo account, hedging")
HOUR = 3_600_000


def with_causes(*causes: str) -> Look:
    return Look("", "MT5", 5000, False, 1000001, "Demo", "Broker", "USD", "a demo account, hedging", 0.0, causes)


def states(findings: list[Finding]) -> dict[str, str]:
    return {each.name: each.state for each in findings}


def test_a_good_terminal_has_nothing_to_do() -> None:
    findings = doctor.terminal(GOOD)
    assert states(findings) == {"terminal": OK, "AutoTrading": OK, "API permission": OK, "broker": OK}
    assert not any(each.do for each in findings)


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        ("AutoTrading button is off in MT5", "AutoTrading"),
        ("MT5 is set to refuse orders from Python (Tools, Options, Expert Advisors)", "API permission"),
        ("MT5 has lost its connection to the broker", "broker"),
    ],
)
def test_each_switch_of_mt5_is_told_from_the_others(cause, name) -> None:
    found = states(doctor.terminal(with_causes(cause)))
    assert found.pop(name) == FAIL
    assert set(found.values()) == {OK}


@pytest.mark.parametrize(
    "finding",
    [
        doctor.terminal_path("MetaTrader5", "", exists=False),
        doctor.terminal_path("MetaTrader5", "C:\\x\\terminal64.exe", exists=False),
        doctor.terminal(Look("MT5 says -10005: IPC timeout"))[0],
        doctor.terminal(with_causes("AutoTrading button is off in MT5"))[1],
        doctor.account(GOOD, "42"),
        doctor.running_part("uplink", "failed", "no answer in time"),
        doctor.server("no answer in time", "wss://x")[0],
        doctor.server("its certificate is not of the server's own authority", "wss://x")[1],
        doctor.clock(-1_001),
        doctor.certificate(None, "", "the pinned keys have expired", 0)[1],
        doctor.disk(100, "/d"),
        doctor.ports_taken({"security": 9004}),
    ],
)
def test_whatever_fails_says_what_to_do(finding) -> None:
    assert finding.state == FAIL
    assert finding.do
    assert finding.do in finding.line()


def test_another_server_is_no_unreachable_one() -> None:
    stranger = "what answers there is not this server: its certificate is not of the server's own authority"
    assert states(doctor.server(stranger, "wss://x")) == {"server": OK, "TLS pin": FAIL}
    assert states(doctor.server("no answer in time", "wss://x")) == {"server": FAIL, "TLS pin": WARN}
    assert states(doctor.server("", "wss://x")) == {"server": OK, "TLS pin": OK}


@pytest.mark.parametrize(
    ("ahead", "state"), [(0, OK), (-300, OK), (301, WARN), (-1000, WARN), (1001, FAIL), (None, WARN)]
)
def test_the_clock_is_judged_as_orders_are(ahead, state) -> None:
    assert doctor.clock(ahead).state == state


def test_a_certificate_that_ran_out_is_no_fault_of_the_trader() -> None:
    assert doctor.certificate(2 * HOUR, "", "", HOUR)[0].says.startswith("good for 1.0 h")
    assert doctor.certificate(HOUR, "", "", HOUR)[0].state == WARN
    assert doctor.certificate(HOUR * 9, "soon", "", HOUR)[1].state == WARN


@pytest.mark.parametrize(("free", "state"), [(199, FAIL), (200, WARN), (1_999, WARN), (2_000, OK)])
def test_the_disk(free, state) -> None:
    assert doctor.disk(free, "/d").state == state


def test_a_spool_that_fills_warns_before_it_is_full() -> None:
    assert doctor.spool(79, 100).state == OK
    assert doctor.spool(81, 100).state == WARN
