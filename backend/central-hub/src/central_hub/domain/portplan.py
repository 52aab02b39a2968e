"""Which program listens where."""

from collections.abc import Mapping, Sequence

from central_hub.domain.programs import NATS
from contracts.ports import NATS_PORT, PORTS

HUB = "central-hub"
DEFAULTS: dict[str, int] = {
    NATS: NATS_PORT,
    **{name: PORTS[name] for name in ("api-gateway", "data-bridge", "trading-engine", "database-service", HUB)},
}
""" program of the server -> its usual port """


class PortFault(ValueError):
    """The ports can't be used as asked; the text says what to do."""


def setting_of(program: str) -> str:
    """The environment variable that moves a program to another port."""
    return f"AITRADING_{program.upper().replace('-', '_')}_PORT"


def usual(environ: Mapping[str, str]) -> dict[str, int]:
    """The table, with what the environment says instead."""
    plan = {}
    for program, port in DEFAULTS.items():
        text = environ.get(setting_of(program), "")
        if text and not (text.isdecimal() and 0 < int(text) < 65536):
            raise PortFault(f"{setting_of(program)}={text!r} is not a port: use a number from 1 to 65535.")
        plan[program] = int(text) if text else port
    return distinct(plan)


def counted_from(first: int) -> dict[str, int]:
    """Neighbouring ports beginning at `first`, in the order of the table."""
    if not 1024 <= first <= 65535 - len(DEFAULTS):
        raise PortFault(f"--ports-from {first} is not possible: use 1024 to {65535 - len(DEFAULTS)}.")
    return {program: first + i for i, program in enumerate(DEFAULTS)}


def from_free(free: Sequence[int]) -> dict[str, int]:
    """The table on ports that were found free."""
    return dict(zip(DEFAULTS, free, strict=True))


def distinct(plan: dict[str, int]) -> dict[str, int]:
    """The plan when no two programs share a port; PortFault otherwise."""
    seen: dict[int, str] = {}
    for program, port in plan.items():
        if port in seen:
            raise PortFault(
                f"{seen[port]} and {program} would both use port {port}: change {setting_of(seen[port])} "
                f"or {setting_of(program)}."
            )
        seen[port] = program
    return plan


def taken_sentence(program: str, port: int, owner: str = "") -> str:
    """What to tell a person when a port is in use."""
    who = f" by {owner}" if owner else " by another program"
    return (
        f"Port {port} for {program} is already used{who}: stop it, set {setting_of(program)} to another port, "
        f"or start with --free-ports."
    )
