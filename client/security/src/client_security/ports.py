"""What the security app asks of the disk, in its own words."""

from typing import Protocol

from client_security.domain.enrolment import Enrolment


class Secrets(Protocol):
    """Where the enrolment lies."""

    def enrolment(self) -> Enrolment:
        """The enrolment; KitError with a sentence when there is none or it was changed."""
        ...


class Audit(Protocol):
    """The chained log."""

    def count(self) -> int:
        """Number of records when all fit; KitError names the first that does not."""
        ...
