"""Places at which a test may kill the connector, to prove that no crash doubles or forgets an order."""

import os
import signal
from collections.abc import Callable, Mapping

Failpoint = Callable[[str], None]

STEPS = ("after_journal", "during_send", "after_send", "before_report")


def never(step: str) -> None:
    """The failpoint of every real run: does nothing."""


def from_environment(environ: Mapping[str, str]) -> Failpoint:
    """A failpoint that kills this process at the step that AITRADING_FAILPOINT names; only with permission."""
    wanted = environ.get("AITRADING_FAILPOINT", "")
    if environ.get("AITRADING_ALLOW_FAILPOINTS") != "1" or wanted not in STEPS:
        return never

    def die(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    return die
