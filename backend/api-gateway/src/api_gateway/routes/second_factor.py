"""The second half of signing in, signing in with a passkey alone, and step-up: a fresh proof of who is there."""

import secrets
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api_gateway.domain.factors import PASSWORD, Challenge
from api_gateway.domain.refusals import NO_PASSKEYS_HERE, NOT_SIGNED_IN, RefusedError
from api_gateway.routes.door import caller_of
from api_gateway.routes.factors import NONCE_BYTES, origin_of
from api_gateway.routes.people import peer_of
from api_gateway.routes.schema import errors
from api_gateway.routes.session import SignIns
from contracts import people
from contracts.people_views import PasskeyOffer, SecondFactor, SecondFactorNeeded
from contracts.views import Session


def second_factor_routes(desk: SignIns) -> list[HTTPRouteHandler]:
    """Everything that takes a challenge's answer."""
    people_desk, proofs = desk.desk, desk.proofs

    @post("/api/v1/session/passkey", status_code=200, responses=errors(409, 429), security=[{}])
    async def passkey_sign_in(request: Request[Any, Any, Any]) -> PasskeyOffer:
        """Begin to sign in with a passkey and without a password: it is something you have and something you are."""
        desk.guard.admit_passkey(peer_of(request))
        origin = origin_of(request)
        if not people_desk.passkeys.possible(origin):
            raise RefusedError(NO_PASSKEYS_HERE)
        nonce, identity = secrets.token_bytes(NONCE_BYTES), secrets.token_urlsafe(NONCE_BYTES)
        opened = Challenge("sign_in", "", "", "", nonce, origin, methods=("passkey",))
        people_desk.strangers.put(identity, opened, people_desk.clock.now_ms())
        return PasskeyOffer(identity, people_desk.passkeys.request(origin, nonce, ()))

    @post(
        "/api/v1/session/second-factor",
        status_code=200,
        responses=errors(400, 401, 413, 415, 422, 429, 503),
        security=[{}],
    )
    async def second_factor(request: Request[Any, Any, Any], data: JSONBody[SecondFactor]) -> Response[Session]:
        """Answer the challenge of a sign-in."""
        challenge = proofs.opened(data.challenge, "sign_in")
        user, how = await proofs.proven(request, data, challenge)
        # a passkey alone is both factors; everything else came after the password
        amr = how if not challenge.user_id else (PASSWORD, *how)
        return await people_desk.entered(request, user, amr, 200)

    @post("/api/v1/session/challenge", status_code=200, responses=errors(401, 403, 409, 503))
    async def step_up_challenge(request: Request[Any, Any, Any]) -> SecondFactorNeeded:
        """Begin a step-up: which proofs this person can give. Answer it at /api/v1/session/step-up."""
        caller = caller_of(request.scope)
        user = await people_desk.user_of(caller)
        factors = await people_desk.factors_of(user)
        needed = proofs.challenge("step_up", user, factors, origin_of(request), caller.session)
        return msgspec.structs.replace(needed, code="step_up", reason="Confirm that it is you.")

    @post("/api/v1/session/step-up", status_code=200, responses=errors(400, 401, 403, 413, 415, 422, 429, 503))
    async def step_up(request: Request[Any, Any, Any], data: JSONBody[SecondFactor]) -> Response[Session]:
        """Prove once more who you are. A browser gets a new token; a program's next refresh brings it."""
        caller = caller_of(request.scope)
        challenge = proofs.opened(data.challenge, "step_up", caller.session)
        user, how = await proofs.proven(request, data, challenge)
        amr = " ".join(dict.fromkeys((*caller.amr, *how)))
        now_ms = people_desk.clock.now_ms()
        audit = people_desk.record(
            user.tenant, "authn_login_success", user.name, step_up="yes", amr=amr, session=caller.session
        )
        touch = people.SessionTouch(caller.session, user.tenant, now_ms, peer_of(request), amr, now_ms, audit)
        done = await people_desk.people.ask(people.SESSION_TOUCH, touch)
        found = await people_desk.people.ask(people.SESSION_FIND, people.SessionQuestion(caller.session))
        if not done.done or found.session is None or found.user is None:
            raise RefusedError(NOT_SIGNED_IN)
        answer = await people_desk.told(found.session, found.user, now_ms)
        if not caller.by_cookie:
            answer.cookies.clear()
        return answer

    return [passkey_sign_in, second_factor, step_up_challenge, step_up]
