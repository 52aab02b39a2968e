"""Prove who you are: with a code of an app, a passkey, a recovery code, or the password again."""

import secrets
from dataclasses import dataclass
from typing import Any

from litestar import Request

from api_gateway.domain import recovery, totp
from api_gateway.domain.factors import (
    MAX_TRIES,
    MFA,
    PASSKEY,
    PASSWORD,
    RECOVERY,
    TOTP,
    Challenge,
    methods_of,
    stamp_of,
)
from api_gateway.domain.refusals import CHALLENGE_OVER, NO_PASSKEYS_HERE, WRONG_FACTOR, RefusedError, invalid
from api_gateway.routes.guard import Guard
from api_gateway.routes.people import Desk, peer_of
from contracts import people
from contracts.people import Factors
from contracts.people_views import SecondFactor, SecondFactorNeeded
from contracts.rpc import User

NONCE_BYTES = 32
NEEDED = "second_factor_needed"
SENTENCE = "The password is right. Now confirm with your second factor."


def origin_of(request: Request[Any, Any, Any]) -> str:
    """The page that asks. The door has compared it with our own addresses."""
    return request.headers.get("origin", "")


@dataclass(slots=True)
class Proofs:
    """Opens challenges and judges what comes back."""

    desk: Desk
    guard: Guard

    def challenge(
        self, purpose: str, user: User, factors: Factors, origin: str, session: str = "", device: str = ""
    ) -> SecondFactorNeeded:
        """Ask for one of the person's second factors; for the password where there is none. RefusedError where none of
        them can be given."""
        possible = bool(self.desk.passkeys.possible(origin))
        methods = methods_of(user, factors, possible)
        if not methods:
            raise RefusedError(NO_PASSKEYS_HERE)
        opened = Challenge(
            purpose,
            user.id,
            user.tenant,
            user.name,
            secrets.token_bytes(NONCE_BYTES),
            origin if possible else "",
            session,
            passkeys=factors.passkeys,
            methods=methods,
            device=device,
            stamp=stamp_of(user),
        )
        identity = secrets.token_urlsafe(NONCE_BYTES)
        self.desk.challenges.put(identity, opened, self.desk.clock.now_ms())
        options = self.desk.passkeys.request(origin, opened.nonce, factors.passkeys) if "passkey" in methods else ""
        return SecondFactorNeeded(NEEDED, SENTENCE, "", identity, methods, options)

    def opened(self, identity: str, purpose: str, session: str = "") -> Challenge:
        """The challenge of this purpose and session; RefusedError when it is over."""
        now_ms = self.desk.clock.now_ms()
        found = self.desk.challenges.look(identity, now_ms) or self.desk.strangers.look(identity, now_ms)
        if found is None or found.purpose != purpose or found.session != session:
            raise RefusedError(CHALLENGE_OVER)
        return found

    async def proven(
        self, request: Request[Any, Any, Any], data: SecondFactor, challenge: Challenge
    ) -> tuple[User, tuple[str, ...]]:
        """Who has proved it and how (words of RFC 8176); RefusedError when nothing was proved."""
        given = [bool(each) for each in (data.totp, data.recovery, data.passkey, data.password)]
        if sum(given) != 1:
            raise RefusedError(invalid("Give one of totp, recovery, passkey and password."))
        challenge.tries += 1
        if challenge.tries >= MAX_TRIES or data.passkey:
            # a passkey's challenge is signed once; others may be mistyped a few times
            self._over(data.challenge)
        if data.passkey:
            user = await self._passkey(request, data.passkey, challenge)
            how: tuple[str, ...] = (PASSKEY, MFA)
        else:
            user = await self._owner(challenge)
            if data.totp and "totp" in challenge.methods:
                await self.with_totp(user, data.totp, peer_of(request))
                how = (TOTP, MFA)
            elif data.recovery and "recovery" in challenge.methods:
                await self.with_recovery(user, data.recovery, peer_of(request))
                how = (RECOVERY, MFA)
            elif data.password and challenge.methods == ("password",):
                await self._with_password(user, data.password, peer_of(request))
                how = (PASSWORD,)
            else:
                raise RefusedError(WRONG_FACTOR)
        self._over(data.challenge)
        return user, how

    def _over(self, identity: str) -> None:
        for challenges in (self.desk.challenges, self.desk.strangers):
            challenges.take(identity, self.desk.clock.now_ms())

    async def _owner(self, challenge: Challenge) -> User:
        question = people.UserById(challenge.tenant, challenge.user_id)
        user = (await self.desk.people.ask(people.USER_GET, question)).user if challenge.user_id else None
        if user is None or user.disabled or stamp_of(user) != challenge.stamp:
            raise RefusedError(CHALLENGE_OVER)
        return user

    async def with_totp(self, user: User, code: str, peer: str) -> None:
        """RefusedError unless this is a code of now, not used before."""
        self.guard.admit_factor(user.id, TOTP)
        secret = self.desk.vault.open(user.totp_secret, user.id)
        now_ms = self.desk.clock.now_ms()
        step = totp.step_of(secret, code, user.totp_last_counter, now_ms) if secret else None
        if step is not None:
            spent = await self.desk.people.ask(people.SPEND, people.Spend(user.tenant, user.id, now_ms, counter=step))
            if spent.done:
                self.guard.factor_right(user.id, TOTP)
                return
        await self.guard.factor_wrong(user, TOTP, peer)
        raise RefusedError(WRONG_FACTOR)

    async def with_recovery(self, user: User, code: str, peer: str) -> None:
        """RefusedError unless this is one of the person's codes; it is used up."""
        self.guard.admit_factor(user.id, RECOVERY)
        digest = self.desk.vault.digest(f"recovery {user.id}", recovery.normal(code))
        now_ms = self.desk.clock.now_ms()
        spent = await self.desk.people.ask(people.SPEND, people.Spend(user.tenant, user.id, now_ms, hash=digest))
        if not spent.done:
            await self.guard.factor_wrong(user, RECOVERY, peer)
            raise RefusedError(WRONG_FACTOR)
        self.guard.factor_right(user.id, RECOVERY)

    async def _with_password(self, user: User, password: str, peer: str) -> None:
        self.guard.admit_factor(user.id, PASSWORD)
        if not await self.desk.hasher.fits(password, user.password_hash, known=True):
            await self.guard.factor_wrong(user, PASSWORD, peer)
            raise RefusedError(WRONG_FACTOR)
        self.guard.factor_right(user.id, PASSWORD)

    async def _passkey(self, request: Request[Any, Any, Any], credential: str, challenge: Challenge) -> User:
        desk = self.desk
        found = await desk.people.ask(
            people.PASSKEY_FIND, people.PasskeyQuestion(desk.passkeys.credential_id(credential) or "-")
        )
        passkey, user = found.passkey, found.user
        if passkey is None or user is None or user.disabled or challenge.user_id not in ("", user.id):
            self.guard.measures.sign_in_failed()
            raise RefusedError(WRONG_FACTOR)
        if challenge.user_id and stamp_of(user) != challenge.stamp:
            raise RefusedError(CHALLENGE_OVER)
        # the answer names its page itself: it must be the page that was asked, and the one that asks now
        same_page = challenge.origin and origin_of(request) in ("", challenge.origin)
        count = desk.passkeys.used(credential, challenge.origin, challenge.nonce, passkey) if same_page else None
        if count is not None:
            used = people.PasskeyUsed(passkey.id, passkey.tenant, count, desk.clock.now_ms())
            if (await desk.people.ask(people.PASSKEY_USED, used)).done:
                return user
        await self.guard.factor_wrong(user, PASSKEY, peer_of(request))
        raise RefusedError(WRONG_FACTOR)
