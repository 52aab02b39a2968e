"""Password hashing with argon2id in threads, never more than two at a time: each takes 64 MiB."""

import asyncio
import secrets

import argon2
from argon2.exceptions import Argon2Error, InvalidHashError

from api_gateway.domain.refusals import Refusal, RefusedError

CONCURRENT = 2
MAX_WAITING = 32
"""Of strangers; as many others wait in places of their own, which no stranger takes."""
BUSY = Refusal(503, "busy", "Too many people sign in at the same moment. Try again in a few seconds.", 3)


class Argon2Hasher:
    """The library's defaults (64 MiB, 3 passes, 4 lanes) are above OWASP's minimum; tests hand in cheaper ones."""

    def __init__(self, parameters: argon2.PasswordHasher | None = None) -> None:
        self._hasher = parameters or argon2.PasswordHasher()
        self._slots = asyncio.Semaphore(CONCURRENT)
        self.waiting = {True: 0, False: 0}
        """ known or a stranger -> how many wait """
        self._dummy = ""

    async def hash(self, password: str) -> str:
        """Argon2id's own text, with its salt and parameters. Nobody gets here who has proved nothing."""
        async with _Slot(self, known=True):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, password: str, hashed: str | None, *, known: bool = False) -> bool:
        """Whether the password is the one behind `hashed`; None costs the same time and is never right."""
        async with _Slot(self, known):
            if not self._dummy:
                self._dummy = await asyncio.to_thread(self._hasher.hash, secrets.token_hex(16))
            right = await asyncio.to_thread(self._verify, hashed or self._dummy, password)
        return right and hashed is not None

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False


class _Slot:
    """A place among those who hash; refuses at once when too many wait for one."""

    def __init__(self, owner: Argon2Hasher, known: bool) -> None:
        self._owner, self._known = owner, known

    async def __aenter__(self) -> None:
        owner = self._owner
        if owner.waiting[self._known] >= MAX_WAITING:
            raise RefusedError(BUSY)
        owner.waiting[self._known] += 1
        try:
            await owner._slots.acquire()
        finally:
            owner.waiting[self._known] -= 1

    async def __aexit__(self, *_: object) -> None:
        self._owner._slots.release()
