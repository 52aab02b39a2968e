"""Places at which a test may kill the connector, to prove that no crash doubles or forgets an order.

`STEPS` is every step between a signal that was received and an execution that the server has stored. A name that is not
in it can't be passed, and the tests kill at each of it.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Literal, get_args

Step = Literal[
    "received",
    "believed",
    "allowed",
    "after_journal",
    "during_send",
    "terminal_before_send",
    "terminal_after_send",
    "after_send",
    "before_outcome",
    "before_report",
    "after_report",
    "after_audit",
    "after_search",
    "before_stored",
    "after_stored",
]
STEPS: tuple[Step, ...] = get_args(Step)
IN_TERMINAL = tuple(step for step in STEPS if step.startswith("terminal_"))
""" steps of the terminal's process: it is killed there, the connector lives on """
Failpoint = Callable[[Step], None]


def never(step: Step) -> None:
    """The failpoint of every real run: does nothing."""


def from_environment(environ: Mapping[str, str]) -> Failpoint:
    """A failpoint that kills this process at the step that AITRADING_FAILPOINT names; only with permission."""
    wanted = environ.get("AITRADING_FAILPOINT", "")
    if environ.get("AITRADING_ALLOW_FAILPOINTS") != "1" or wanted not in STEPS:
        return never

    def die(step: Step) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    return die
