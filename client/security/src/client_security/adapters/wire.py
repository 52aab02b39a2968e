"""Dial the server: our own root only, its name checked whatever the address, and what went wrong said in words."""

import asyncio
import contextlib
import json
import os
import secrets
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import picows
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from client_security.adapters.private_file import write_private
from kit.errors import CertificateRefused, KitError
from kit.pki import read_key
from kit.tls import Identity, check_peer, client_context, host_of

SERVER = "data-bridge"
HANDSHAKE_S = 10.0


class Unreachable(OSError):
    """The server was not reached, or what answered is not the server. Nothing was told to it."""


class TurnedAway(KitError):
    """The server refused the connection. `code` is its own word."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def context_for(roots: str, chain: bytes = b"", key: bytes = b"", scratch: Path | None = None) -> ssl.SSLContext:
    """TLS 1.3 that trusts these roots alone and shows our certificate, when there is one.

    OpenSSL reads a certificate's key from a file only: it lies in `scratch` for a moment, encrypted with a password
    that never leaves this process.
    """
    context = client_context(roots)
    if chain and key and scratch is not None:
        password = secrets.token_hex(32)
        sealed = read_key(key).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
        )
        path = scratch / f"handing-over.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            write_private(path, chain + sealed)
            context.load_cert_chain(path, password=password)
        finally:
            path.unlink(missing_ok=True)
    return context


Resolve = Callable[[str, int], Awaitable[list[str]]]
"""A host's IP addresses; OSError when its name can't be looked up."""


async def system_resolve(host: str, port: int) -> list[str]:
    """What the operating system says."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


@dataclass(slots=True)
class Address:
    """Where the server was last reached: used when the name can't be looked up, or leads to somebody else."""

    path: Path
    resolve: Resolve = system_resolve

    def read(self) -> str:
        """An IP address; empty when there is none."""
        try:
            text = self.path.read_text().strip()
            socket.getaddrinfo(text, None, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeDecodeError):
            return ""
        return text

    def write(self, address: str) -> None:
        """It is no secret; a lost write costs nothing."""
        if address and address != self.read():
            with contextlib.suppress(OSError):
                write_private(self.path, address.encode())


async def dial(
    url: str,
    listener: Callable[[], picows.WSListener],
    context: ssl.SSLContext,
    last: Address,
    headers: Mapping[str, str] | None = None,
    max_frame_size: int = 64 * 1024,
) -> tuple[picows.WSTransport, picows.WSListener]:
    """A WebSocket to the one server whose certificate is right. Unreachable or TurnedAway, in words."""
    parts = urlsplit(url)
    port = parts.port or 443
    troubles: list[str] = []
    for address in await _addresses(parts.hostname or "", port, last, troubles):
        shown = f"[{address}]" if ":" in address else address
        try:
            transport, made = await picows.ws_connect(
                listener,
                parts._replace(netloc=f"{shown}:{port}").geturl(),
                ssl_context=context,
                server_hostname=host_of(SERVER),
                extra_headers=dict(headers or {}),
                max_frame_size=max_frame_size,
                max_redirects=0,
                websocket_handshake_timeout=HANDSHAKE_S,
            )
        except picows.WSInvalidStatusError as error:
            raise _refusal(error) from None
        except (OSError, TimeoutError, picows.WSError) as error:
            troubles.append(f"{address}: {explained(error)}")
            continue
        if transport.is_disconnected:  # TLS 1.3 hears of a refused certificate after its own handshake only
            transport.disconnect()
            troubles.append(f"{address}: the server hung up; it may have refused this PC's certificate")
            continue
        try:
            shown_by_peer = transport.underlying_transport.get_extra_info("ssl_object").getpeercert(True)
            check_peer(shown_by_peer, {Identity.service(SERVER)})
        except CertificateRefused as error:
            transport.disconnect()
            troubles.append(f"{address}: {error}")
            continue
        last.write(address)
        return transport, made
    raise Unreachable("; ".join(troubles) or "its name leads nowhere")


async def _addresses(host: str, port: int, last: Address, troubles: list[str]) -> list[str]:
    found: list[str] = []
    try:
        found = await last.resolve(host, port)
    except OSError as error:
        troubles.append(f"the name {host} can't be looked up ({error.strerror or error})")
    # whoever answers there is believed by its certificate alone, so an old address can do no harm
    return list(dict.fromkeys([*found, *filter(None, [last.read()])]))


def explained(error: BaseException) -> str:
    """What a failed connection means for the person in front of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or str(error)
        if "expired" in why or "not yet valid" in why:
            return (
                f"the server shows a certificate that can't be used ({why}): check this PC's clock, then the server's"
            )
        return (
            "what answers there is not this server: its certificate is not of the server's own authority "
            f"({why}). A proxy that inspects TLS, a hotel's sign-in page or a wrong address stands between; "
            "nothing was sent to it"
        )
    if isinstance(error, ssl.SSLError):
        return f"no secure connection ({error.reason or error}); the server may have refused this PC's certificate"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _refusal(error: picows.WSInvalidStatusError) -> KitError | OSError:
    try:
        said = json.loads(error.raw_body or b"")
        code, reason = str(said["code"]), str(said["reason"])
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"what answers there is not the server: {error}")
    return Unreachable(reason) if code in ("restarting", "busy") else TurnedAway(code, reason)
