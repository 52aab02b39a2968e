"""How a terminal becomes one: it joins once with a one-time token, and renews its certificate as long as it lives.

Each is a WebSocket conversation of one frame each way on the bridge's port: `/join` without a client certificate,
`/renew` with the living one, or without one when it has expired. The bridge only carries it to the hub, which decides.
"""

import msgspec

JOIN_PATH = "/join"
RENEW_PATH = "/renew"
MAX_JOIN_BYTES = 16 * 1024
ANSWER_WITHIN_S = 10.0
RENEW_LATE_MS = 30 * 86_400_000
"""So long after its certificate has expired a terminal may still renew it, by a proof of its key."""
PROOF_AGE_MS = 300_000
"""A proof is as old as this at most, or that far ahead: clocks of PCs differ."""
_RENEW_CONTEXT = b"aitrading terminal renew v1\x00"


class JoinRequest(msgspec.Struct, frozen=True, array_like=True, tag="join"):
    """A PC with an enrolment asks for its first certificate."""

    join_token: str
    request: bytes
    """PKCS #10, PEM: proves that the sender holds the key."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"JoinRequest({len(self.request)} bytes)"


class RenewRequest(msgspec.Struct, frozen=True, array_like=True, tag="renew"):
    """A terminal asks for its next certificate, for the same key."""

    terminal: str
    request: bytes
    """PKCS #10, PEM."""
    signed_ms: int
    proof: bytes
    """ECDSA with SHA-256 by the terminal's key over `renewal_bytes`."""


class Joined(msgspec.Struct, frozen=True, array_like=True, tag="joined"):
    """Certificate and token, bound to each other, for one terminal."""

    terminal: str
    chain: bytes
    """PEM: the leaf, then its intermediate."""
    token: str
    issued_ms: int
    expires_ms: int
    """Of both."""
    pinset: bytes = b""
    """The newest signed pin set (`PinSet`), or empty when there was never a rotation."""

    def __repr__(self) -> str:
        """Without the token."""
        return f"Joined({self.terminal!r}, expires_ms={self.expires_ms})"


class NotJoined(msgspec.Struct, frozen=True, array_like=True, tag="not_joined"):
    """Why not. `retry` says whether trying again later can help."""

    code: str
    reason: str
    retry: bool


JoinAnswer = Joined | NotJoined


class JoinQuestion(msgspec.Struct, frozen=True):
    """The bridge asks the hub."""

    join: JoinRequest
    address: str


class RenewQuestion(msgspec.Struct, frozen=True):
    """The bridge asks the hub. `shown` is the terminal of the certificate on this connection; empty: none was shown."""

    renew: RenewRequest
    shown: str
    address: str


class PinSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which roots a client may trust, signed with the rotation key that lies off-line.

    The document is `SignedPins`. A client takes it when its version is higher than the one it has.
    """

    version: int
    pins: tuple[str, ...]
    """`sha256/…` of roots' public keys: the present one first, then those to come."""
    issued_ms: int
    expires_ms: int
    """From then on the client trades no more until it has a newer set; it warns thirty days before."""
    roots: str = ""
    """PEM of the roots that may be trusted; each must be one of the pins."""


class SignedPins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """JSON. `body` is the JSON of a PinSet as text, `signature` Ed25519 as hex over `PINS_CONTEXT` and that text."""

    body: str
    signature: str


PINS_CONTEXT = b"aitrading pins v1\x00"


def renewal_bytes(terminal: str, request: bytes, signed_ms: int) -> bytes:
    """What the proof of a renewal signs."""
    return _RENEW_CONTEXT + msgspec.msgpack.encode((terminal, request, signed_ms))
