"""The seal of a command: the gateway vouches for the person who gave it, for as long as it waits in its stream.

A token would be over before a command that waited for a crashed engine is read. The seal is the gateway's signature
over the whole command: who gave it, for which tenant, in which role, and when they last proved who they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts import subjects
from contracts.codec import encode
from contracts.commands import Command, PauseTrading, Seal
from contracts.revocations import Revocation
from kit import policy
from kit.errors import SignatureRefused
from kit.policy import Denied, Facts, State, Subject
from kit.revocations import RevocationBook
from kit.service_tokens import Guard, QuestionDenied

_PURPOSE = b"aitrading command seal 1\x00"
"""Stands before what is signed: the same key signs tokens, which never begin like this."""


def _signed(command: Command, seal: Seal) -> bytes:
    return _PURPOSE + encode(msgspec.structs.replace(command, seal=msgspec.structs.replace(seal, signature=b"")))


def sealed(command: Command, giver: Subject, key: Ed25519PrivateKey) -> Command:
    """The command with its seal; `giver` is the person as the policy judged them."""
    scopes = None if giver.scopes is None else tuple(sorted(giver.scopes))
    seal = Seal(giver.role, giver.auth_ms, scopes)
    signature = key.sign(_signed(command, seal))
    return msgspec.structs.replace(command, seal=msgspec.structs.replace(seal, signature=signature))


def giver_of(command: Command, keys: Mapping[str, Ed25519PublicKey]) -> Subject:
    """Who gave the command. SignatureRefused (`no_seal`, `bad_seal`) unless one of the gateway's keys sealed exactly
    this command."""
    seal = command.seal
    if seal is None:
        raise SignatureRefused("no_seal", "the command carries no seal: it did not come through the gateway")
    signed = _signed(command, seal)
    for key in keys.values():
        try:
            key.verify(seal.signature, signed)
        except InvalidSignature:
            continue
        scopes = None if seal.scopes is None else frozenset(seal.scopes)
        return Subject(command.given_by, command.tenant, seal.role, seal.auth_ms, scopes)
    raise SignatureRefused("bad_seal", "the seal does not fit the command: it was changed, or another key sealed it")


def denied(command: Command, giver: Subject, states: frozenset[State] = frozenset()) -> Denied | None:
    """Why the policy denies the command to its giver, judged at the time it was given; None when it does not."""
    action = policy.command_action(command.body)
    answer = policy.decide(giver, action, command.tenant, Facts(command.given_ms, False, states))
    return answer if isinstance(answer, Denied) else None


@dataclass(frozen=True, slots=True)
class CommandJudge:
    """For those who read commands from their stream. What it refuses is told to the guard, for the audit trail."""

    guard: Guard
    gateway: str = "api-gateway"
    revocations: RevocationBook | None = None
    """With it, what was asked for and not yet done is taken back when its giver is disabled, demoted or suspended."""

    def fault(self, command: Command, subject: str, states: frozenset[State] = frozenset()) -> str | None:
        """Why the command that came on `subject` is not carried out; None when it is."""
        action = policy.command_action(command.body) or type(command.body).__name__
        try:
            giver = giver_of(command, self.guard.services.get(self.gateway, {}))
        except SignatureRefused as refused:
            return self._refuse(command, action, "authn_token_invalid", refused.code, refused.reason)
        if subject != subjects.commands(command.tenant):
            reason = "the command came on another tenant's subject"
            return self._refuse(command, action, "malicious_direct_reference", "tenant", reason)
        if (gone := self._taken_back(command)) is not None:
            return self._refuse(command, action, "authz_fail", "revoked", f"{command.given_by}: {gone.reason}")
        if (found := denied(command, giver, states | self.guard.states(command.tenant))) is not None:
            return self._refuse(command, action, "authz_fail", found.code, found.reason)
        return None

    def _taken_back(self, command: Command) -> Revocation | None:
        # a pause is never taken back: stopping is safe whoever asked for it
        if self.revocations is None or isinstance(command.body, PauseTrading):
            return None
        return self.revocations.takes_back(command.tenant, command.given_by, command.given_ms)

    def _refuse(self, command: Command, action: str, event: str, code: str, reason: str) -> str:
        # without a good seal nobody knows whose it is
        proved = event != "authn_token_invalid"
        told = QuestionDenied(event, code, command.given_by if proved else "", command.tenant if proved else "", reason)
        told.what = action
        self.guard.on_denied(told)
        return f"{code}: {reason}"
