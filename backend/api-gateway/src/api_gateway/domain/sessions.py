"""Tokens that were verified before: verifying costs 0.2 ms, remembering 1 µs."""

from dataclasses import dataclass, field

from api_gateway.domain.access import Caller

MAX_VERIFIED = 4_096


@dataclass(slots=True)
class SessionMemory:
    """Ask `recall` first, then verify and `remember`. Whether a token was revoked is another question."""

    verified: dict[str, Caller] = field(default_factory=dict)
    """ token -> who it speaks for """

    def recall(self, token: str, now_ms: int) -> Caller | None:
        """The caller of a token verified before, while it is good."""
        caller = self.verified.get(token)
        if caller is None:
            return None
        if caller.expires_ms <= now_ms:
            del self.verified[token]
            return None
        return caller

    def remember(self, token: str, caller: Caller) -> Caller:
        """Keep a caller whose token was just verified."""
        if len(self.verified) >= MAX_VERIFIED:
            # the oldest goes: it is verified again should it come back
            del self.verified[next(iter(self.verified))]
        self.verified[token] = caller
        return caller
