"""A passkey in software: as much of a WebAuthn authenticator (level 3, ES256) as the tests need to lie with."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url as b64

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftPasskey:
    """One credential. Change its fields to misbehave."""

    origin: str
    rp_id: str = "localhost"
    counter: int = 0
    verified: bool = True
    """Whether the person showed a finger or a PIN."""
    counts: bool = True
    identity: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _data(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        stated = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(stated).encode()

    def _authenticator(self, flags: int) -> bytes:
        if self.counts:
            self.counter += 1
        flags |= PRESENT | (VERIFIED if self.verified else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _answer(self, **response: str) -> str:
        name = b64(self.identity)
        answer: dict[str, Any] = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps(answer | {"clientExtensionResults": {}})

    def create(self, options: str) -> str:
        """`navigator.credentials.create`."""
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.identity).to_bytes(2, "big") + self.identity + cbor2.dumps(cose)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._authenticator(ATTESTED) + attested}
        data = self._data("webauthn.create", options)
        return self._answer(clientDataJSON=b64(data), attestationObject=b64(cbor2.dumps(statement)))

    def get(self, options: str) -> str:
        """`navigator.credentials.get`."""
        data, known = self._data("webauthn.get", options), self._authenticator(0)
        signature = self.key.sign(known + hashlib.sha256(data).digest(), ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=b64(data), authenticatorData=b64(known), signature=b64(signature))
