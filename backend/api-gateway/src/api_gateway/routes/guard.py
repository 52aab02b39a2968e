"""Slow down whoever guesses, without locking out the owner: known browsers and passkeys have counters of their own."""

import hashlib
from dataclasses import dataclass, field

from api_gateway.domain.failures import UNKNOWN, FailedSignIns, FailureBook
from api_gateway.domain.guesses import Guesses
from api_gateway.domain.refusals import RefusedError, too_many
from api_gateway.ports import Journal
from api_gateway.routes.measures import Measures
from contracts.rpc import User
from kit import log
from kit.clock import Clock
from kit.errors import KitError
from kit.limits import Limiter

PER_MINUTE = 10
PASSKEYS_PER_MINUTE = 30
TENANT = "default"
_MINUTE, _HOUR = 60_000, 3_600_000

_log = log.get("guard")


def _by_name_and_peer() -> Guesses:
    return Guesses(5, 5_000, 15 * _MINUTE, _HOUR)


@dataclass(slots=True)
class Guard:
    """Ask `admit…` before the work, tell `right` or `wrong` after it."""

    journal: Journal
    clock: Clock
    measures: Measures
    peers: Limiter = field(default_factory=lambda: Limiter(PER_MINUTE))
    passkeys: Limiter = field(default_factory=lambda: Limiter(PASSKEYS_PER_MINUTE))
    pairs: Guesses = field(default_factory=_by_name_and_peer)
    """ name and peer """
    devices: Guesses = field(default_factory=_by_name_and_peer)
    """ known browsers: nobody else can use up their tries """
    names: Guesses = field(default_factory=lambda: Guesses(20, 1_000, _MINUTE, _HOUR))
    """ name, from everywhere: slows a thousand addresses down, and the owner by a minute at most """
    factors: Guesses = field(default_factory=lambda: Guesses(5, 30_000, _HOUR, 24 * _HOUR))
    """ person and kind of second factor: only who knows the password gets here """
    failures: FailureBook = field(default_factory=FailureBook)

    def admit_peer(self, peer: str) -> None:
        """Count a try of an address; RefusedError when it tried too often."""
        self._stop(self.peers.wait_ms(peer, self.clock.now_ms()))

    def admit_passkey(self, peer: str) -> None:
        """The same for passkeys, which can't be guessed: a wide limit of their own, so that none blocks the other."""
        self._stop(self.passkeys.wait_ms(peer, self.clock.now_ms()))

    def admit(self, name: str, peer: str, device: str) -> None:
        """Count a try for a name; RefusedError when it has to wait."""
        now_ms = self.clock.now_ms()
        if device:
            self._stop(self.devices.wait_ms(device, now_ms))
            return
        self.admit_peer(peer)
        self._stop(self.pairs.wait_ms(_pair(name, peer), now_ms))
        self._stop(self.names.wait_ms(_hidden(name), now_ms))

    def right(self, name: str, peer: str, device: str) -> None:
        """The password was right."""
        if device:
            self.devices.right(device)
            return
        self.pairs.right(_pair(name, peer))
        self.names.undo(_hidden(name))

    async def wrong(self, user: User | None, name: str, peer: str, device: str) -> None:
        """It was not."""
        self.measures.sign_in_failed()
        known = (user.tenant, user.name) if user else (TENANT, UNKNOWN)
        self.failures.add(*known, self.clock.now_ms())
        book, key = (self.devices, device) if device else (self.pairs, _pair(name, peer))
        if user and book.exhausted(key):
            await self._tell("authn_login_fail_max", user, {"peer": peer, "what": "password"})

    def admit_factor(self, user_id: str, kind: str) -> None:
        """Count a try of a second factor; RefusedError when this kind has to wait. The others stay open."""
        self._stop(self.factors.wait_ms(f"{user_id} {kind}", self.clock.now_ms()))

    def factor_right(self, user_id: str, kind: str) -> None:
        """It was right."""
        self.factors.right(f"{user_id} {kind}")

    async def factor_wrong(self, user: User, kind: str, peer: str) -> None:
        """It was not."""
        self.measures.sign_in_failed()
        self.failures.add(user.tenant, user.name, self.clock.now_ms())
        if self.factors.exhausted(f"{user.id} {kind}"):
            await self._tell("authn_login_fail_max", user, {"peer": peer, "what": kind})

    def _stop(self, wait_ms: int) -> None:
        if wait_ms:
            raise RefusedError(too_many("tries to sign in", -(-wait_ms // 1000)))

    async def _tell(self, kind: str, user: User, detail: dict[str, str]) -> None:
        try:
            await self.journal.audit(user.tenant, kind, user.name, detail)
        except KitError as error:
            _log.warning("failure_not_written", kind=kind, error=str(error))

    async def write_failures(self, *, all_of_them: bool = False) -> None:
        """Move failures that are due into the audit trail; those that can't be written wait for the next time."""
        for failures in self.failures.due(self.clock.now_ms(), all_of_them=all_of_them):
            await self._write_failure(failures)

    async def _write_failure(self, failures: FailedSignIns) -> None:
        detail = {"count": str(failures.count), "first_ms": str(failures.first_ms), "last_ms": str(failures.last_ms)}
        try:
            await self.journal.audit(failures.tenant, "authn_login_fail", failures.name, detail)
        except KitError as error:
            _log.warning("failures_not_written", count=failures.count, error=str(error))
            self.failures.open.setdefault((failures.tenant, failures.name), failures)


def _hidden(name: str) -> str:
    # people type passwords into the name field: no list of names is kept
    return hashlib.sha256(name.encode()).hexdigest()


def _pair(name: str, peer: str) -> str:
    return f"{_hidden(name)} {peer}"
