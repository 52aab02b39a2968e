"""Keys of NATS users: Ed25519, written the way nats-server reads them. Source: https://docs.nats.io/using-nats/nkeys.

The library `nkeys` does the same and costs every process 46 ms of start for a second implementation of Ed25519.
"""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEED, USER = 18 << 3, 20 << 3


def _text(prefix: bytes, key: bytes) -> str:
    body = prefix + key
    # the checksum is CRC-16/XMODEM, little endian
    return base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little")).rstrip(b"=").decode()


def make_seed() -> str:
    """A new user's secret; it begins with SU."""
    prefix = bytes((SEED | USER >> 5, (USER & 31) << 3))
    return _text(prefix, Ed25519PrivateKey.generate().private_bytes_raw())


def read_seed(text: str) -> Ed25519PrivateKey:
    """The key behind a user's seed; ValueError when it is damaged or no user's."""
    text = text.strip()
    body = base64.b32decode(text + "=" * (-len(text) % 8))[:-2]
    if len(body) != 34 or _text(body[:2], body[2:]) != text:
        raise ValueError("the seed is damaged")
    if (body[0] & 0xF8, (body[0] & 7) << 5 | body[1] >> 3) != (SEED, USER):
        raise ValueError("the seed is not a user's")
    return Ed25519PrivateKey.from_private_bytes(body[2:])


def public_of(seed: str) -> str:
    """The user's name in the server's configuration; it begins with U."""
    return _text(bytes((USER,)), read_seed(seed).public_key().public_bytes_raw())


def sign(seed: str, nonce: bytes) -> bytes:
    """The answer to a server's challenge, base64."""
    return base64.b64encode(read_seed(seed).sign(nonce))
