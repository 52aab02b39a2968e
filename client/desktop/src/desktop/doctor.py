"""Judge what the doctor has seen: each check has a name, ok, warn or fail, what was seen, and what to do about it."""

from collections.abc import Mapping

import msgspec

from desktop.setup_steps import Look
from desktop.terminals import advice

OK, WARN, FAIL = "ok", "warn", "fail"
DAY_MS = 86_400_000
MOST_SKEW_MS, WARN_SKEW_MS = 1_000, 300
"""Beyond the first no order is believed; see contracts.signals."""
LEAST_FREE_MB, WARN_FREE_MB = 200, 2_000


class Finding(msgspec.Struct, frozen=True):
    """One check. `do` is empty when there is nothing to do."""

    name: str
    state: str
    says: str
    do: str = ""

    def line(self) -> str:
        """For a person."""
        return f"{self.state:<5} {self.name:<16} {self.says}" + (f"\n{'':<23}→ {self.do}" if self.do else "")


def terminal_path(kind: str, path: str, exists: bool) -> Finding:
    """Whether the program that the settings name is there."""
    if not path:
        return Finding("terminal path", FAIL, "no terminal was chosen yet", "aitrading-client setup")
    if not exists:
        return Finding("terminal path", FAIL, f"there is no file {path}", "aitrading-client setup finds MT5 again")
    return Finding("terminal path", OK, f"{kind}: {path}")


def terminal(look: Look) -> list[Finding]:
    """AutoTrading, permissions and the broker, as the terminal says itself."""
    if look.trouble:
        return [Finding("terminal", FAIL, "MT5 could not be looked at", advice(look.trouble))]
    findings = [Finding("terminal", OK, f"{look.terminal} build {look.build}, {look.company}")]
    buttons = {"AutoTrading": "AutoTrading", "API permission": "from Python", "broker": "broker"}
    for name, word in buttons.items():
        why = next((cause for cause in look.causes if word in cause), "")
        findings.append(Finding(name, FAIL if why else OK, why or "allowed", _cure(name) if why else ""))
    return findings


def _cure(name: str) -> str:
    return {
        "AutoTrading": "press the AutoTrading (Algo Trading) button in MT5's toolbar until it is green",
        "API permission": "MT5: Tools, Options, Expert Advisors: take the tick from "
        "`Disable algorithmic trading via external Python API`",
        "broker": "look at MT5's Journal; log in again with the main password, or ask the broker",
    }[name]


def account(look: Look, enrolled_for: str) -> Finding:
    """Whether the account of the terminal is the one that this PC is enrolled for."""
    if look.trouble:
        return Finding("account", WARN, "not seen, because the terminal was not")
    if str(look.login) != enrolled_for:
        return Finding(
            "account", FAIL, f"MT5 shows {look.login} at {look.server}, this PC is enrolled for {enrolled_for}",
            "MT5: File, Login to Trade Account; or `aitrading-client setup` with an enrolment for the other",
        )  # fmt: skip
    return Finding("account", OK, f"{look.login} at {look.server}: {look.kind}")


def running_part(name: str, health: str, detail: str) -> Finding:
    """What a part of the running client says of itself."""
    return Finding(name, OK if health == "ok" else FAIL, detail, "" if health == "ok" else _part_cure(name))


def _part_cure(name: str) -> str:
    return {
        "terminal": "stop the client and run `aitrading-client doctor` again: then MT5 itself is looked at",
        "uplink": "see the checks `server` and `TLS pin` below",
        "spool": "see the check `disk`",
        "vault": "aitrading-client vault status",
        "audit_log": "aitrading-client vault verify",
    }.get(name, f"aitrading-client logs --app {name}")


def server(trouble: str, address: str) -> list[Finding]:
    """Reachable, and really the enrolled one. `trouble`: in words, empty when it was reached."""
    if not trouble:
        return [Finding("server", OK, address), Finding("TLS pin", OK, "the certificate is of the enrolled authority")]
    if "certificate" in trouble:
        cure = "use another network, check the address and this PC's clock; nothing was sent to it"
        return [Finding("server", OK, f"{address} answers"), Finding("TLS pin", FAIL, trouble, cure)]
    cure = "check this PC's internet, the address in the enrolment, and whether the server runs"
    return [Finding("server", FAIL, trouble, cure), Finding("TLS pin", WARN, "not seen, because the server was not")]


def clock(ahead_ms: float | None) -> Finding:
    """How far this PC's clock is from the server's; None: not measured."""
    if ahead_ms is None:
        return Finding("clock", WARN, "not measured: that needs a running client that has reached the server")
    says = f"this PC's clock is {abs(ahead_ms):.0f} ms {'ahead of' if ahead_ms > 0 else 'behind'} the server's"
    cure = "Windows: Settings, Time & language, Date & time, Sync now"
    if abs(ahead_ms) > MOST_SKEW_MS:
        return Finding("clock", FAIL, says + "; no order is believed", cure)
    if abs(ahead_ms) > WARN_SKEW_MS:
        return Finding("clock", WARN, says, cure)
    return Finding("clock", OK, says)


def certificate(expires_ms: int | None, pins_warning: str, pins_objection: str, now_ms: int) -> list[Finding]:
    """This PC's own certificate, which the client renews by itself, and the pinned keys of the server."""
    if expires_ms is None:
        found = Finding("certificate", WARN, "this PC has not joined the server yet", "aitrading-client setup")
    elif now_ms >= expires_ms:
        found = Finding("certificate", WARN, "expired", "start the client: it asks for a new one by itself")
    else:
        found = Finding("certificate", OK, f"good for {(expires_ms - now_ms) / 3_600_000:.1f} h, renewed by itself")
    if pins_objection:
        return [found, Finding("pinned keys", FAIL, pins_objection, "aitrading-client pins FILE")]
    if pins_warning:
        return [found, Finding("pinned keys", WARN, pins_warning, "ask the server's operator")]
    return [found, Finding("pinned keys", OK, "in force")]


def disk(free_mb: float, data: str) -> Finding:
    """Room for ticks that wait and for the journal."""
    says = f"{free_mb:,.0f} MB free at {data}"
    cure = "free some room: without it orders are refused and ticks wait in MT5"
    state = FAIL if free_mb < LEAST_FREE_MB else WARN if free_mb < WARN_FREE_MB else OK
    return Finding("disk", state, says, cure if state != OK else "")


def spool(used_mb: float, most_mb: int) -> Finding:
    """Ticks that the server has not stored yet."""
    says = f"{used_mb:,.1f} MB of {most_mb:,} MB"
    if most_mb and used_mb > 0.8 * most_mb:
        return Finding(
            "spool", WARN, says, "the server was away for long; when it is full the oldest ticks are dropped"
        )
    return Finding("spool", OK, says)


def ports_taken(taken: Mapping[str, int]) -> Finding:
    """Ports that another program holds while the client is not running."""
    if not taken:
        return Finding("ports", OK, "free")
    named = ", ".join(f"{port} (for {app})" for app, port in taken.items())
    return Finding("ports", FAIL, f"another program uses {named}", "stop it, or start with `run --ports-from 9101`")


def versions(named: Mapping[str, str]) -> Finding:
    """For whoever is asked for help."""
    return Finding("versions", OK, ", ".join(f"{name} {number}" for name, number in named.items()))
