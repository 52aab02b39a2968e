"""A refusal is a value: a code for programs and a sentence for a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done. `code` is for counters and programs, `reason` a sentence for a person."""

    code: str
    reason: str
