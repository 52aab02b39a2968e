"""What every reader of recordings returns, and how it refuses."""

from dataclasses import dataclass

from mt5sim.tape import Ticks


class BadFile(Exception):
    """Not a file that can be replayed. The text goes on after the file's name and says what to do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """`first_bad` is the first line (or record) that is no tick, counted from 1 with the file's first."""

    ticks: Ticks
    lines: int
    unparsable: int = 0
    first_bad: int | None = None
    complaint: str = ""
