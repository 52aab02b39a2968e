"""The programs of the platform and the order in which they may start."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

NATS = "nats"
POSTGRES = "postgresql"


@dataclass(frozen=True, slots=True)
class Program:
    """Something the hub starts, watches and stops. A service has a `module`; an engine has none."""

    name: str
    needs: tuple[str, ...] = ()
    """Names of the programs without which it can't become ready."""
    module: str = ""
    """Run as `python -m module`."""
    stop_limit_s: float = 10.0
    """How long it may take to stop by itself before it is killed."""

    @property
    def is_engine(self) -> bool:
        """Engines are other people's programs: no heartbeat, no health page."""
        return not self.module


PROGRAMS: tuple[Program, ...] = (
    Program(NATS),
    Program(POSTGRES, stop_limit_s=20.0),
    Program("database-service", (NATS, POSTGRES), "database_service", stop_limit_s=15.0),
    Program("api-gateway", (NATS, "database-service"), "api_gateway"),
    Program("trading-engine", (NATS, "database-service"), "trading_engine"),
    Program("data-bridge", (NATS, "database-service"), "data_bridge"),
)
"""In the order in which they are worth starting at the same time: the slowest to become ready come first."""


class OrderFault(ValueError):
    """The table can't be put in order; the text names the programs."""


def check(programs: Sequence[Program]) -> None:
    """Raise OrderFault when a program needs an unknown one, itself through others, or stands twice."""
    names = [program.name for program in programs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OrderFault(f"listed twice: {', '.join(twice)}")
    for program in programs:
        if unknown := sorted(set(program.needs) - set(names)):
            raise OrderFault(f"{program.name} needs {', '.join(unknown)}, which nobody starts")
    waves(programs)


def waves(programs: Iterable[Program]) -> list[tuple[str, ...]]:
    """Groups of names: everything in a group may start at the same time, once all earlier groups are ready."""
    left = {program.name: program for program in programs}
    done: set[str] = set()
    groups: list[tuple[str, ...]] = []
    while left:
        group = tuple(name for name, program in left.items() if done.issuperset(program.needs))
        if not group:
            raise OrderFault(f"these need each other in a circle: {', '.join(sorted(left))}")
        for name in group:
            del left[name]
        done.update(group)
        groups.append(group)
    return groups


def stop_groups(programs: Iterable[Program]) -> list[tuple[str, ...]]:
    """The reverse of `waves`: whoever is needed stops after all who need it."""
    return waves(programs)[::-1]


def without(programs: Iterable[Program], absent: Collection[str]) -> tuple[Program, ...]:
    """The table without `absent` ones (engines that run elsewhere, services that are not installed)."""
    return tuple(
        Program(p.name, tuple(n for n in p.needs if n not in absent), p.module, p.stop_limit_s)
        for p in programs
        if p.name not in absent
    )
