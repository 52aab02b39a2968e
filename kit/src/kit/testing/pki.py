"""A certificate authority for tests: real certificates in a temporary directory, handshakes in memory, pages."""

import http.client
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from kit import pki
from kit.tls import Identity, Kind, TlsFiles, client_context, host_of


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class TestAuthority:
    """A root and an intermediate below `directory`. `issue` writes the files of a leaf."""

    __test__ = False

    directory: Path
    now_ms: int = field(default_factory=_now_ms)
    root: pki.Issuer = field(init=False)
    intermediate: pki.Issuer = field(init=False)

    def __post_init__(self) -> None:
        self.root = pki.make_root(now_ms=self.now_ms)
        self.intermediate = pki.make_intermediate(self.root, now_ms=self.now_ms)

    def issue(
        self,
        identity: Identity,
        *,
        folder: str = "",
        dns: Sequence[str] | None = None,
        addresses: Sequence[str] = ("127.0.0.1", "::1"),
        lifetime_s: int = 3_600,
        from_ms: int | None = None,
        server: bool | None = None,
    ) -> TlsFiles:
        """The files of a leaf; services and engines may be servers under their own name and on loopback."""
        if server is None:
            server = identity.kind in (Kind.SERVICE, Kind.ENGINE)
        key = pki.make_key()
        leaf = pki.make_leaf(
            self.intermediate,
            key.public_key(),
            identity,
            now_ms=self.now_ms,
            lifetime_s=lifetime_s,
            dns=(host_of(identity.name), "localhost") if dns is None else dns,
            addresses=addresses,
            server=server,
            from_ms=from_ms,
        )
        return self.write(folder or identity.name or str(identity), key, leaf, self.intermediate.certificate)

    def write(self, folder: str, key: pki.Key, *chain: x509.Certificate) -> TlsFiles:
        """Any chain as files that trust this root."""
        files = TlsFiles(self.directory / folder)
        files.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.key.touch(mode=0o600)
        files.key.write_bytes(pki.key_pem(key))
        files.cert.write_bytes(pki.pem(*chain))
        files.ca.write_bytes(pki.pem(self.root.certificate))
        return files

    def service(self, name: str) -> TlsFiles:
        """The files of a service's leaf."""
        return self.issue(Identity.service(name))

    def operator(self) -> TlsFiles:
        """The files of the command line's leaf."""
        return self.issue(Identity.operator())


@dataclass
class Shaken:
    """Two ends whose handshake is done; `send` moves bytes from the client to the server and back."""

    client: ssl.SSLObject
    server: ssl.SSLObject


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, server_hostname: str) -> Shaken:
    """Shake hands in memory and pass one byte each way, so that both sides have judged. Raises ssl.SSLError of
    whoever refused first."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=server_hostname)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    done = {"near": False, "far": False}
    for _ in range(10):
        for name, end in (("near", near), ("far", far)):
            if not done[name]:
                try:
                    end.do_handshake()
                    done[name] = True
                except ssl.SSLWantReadError:
                    continue
    near.write(b"?")
    assert far.read(1) == b"?"
    far.write(b"!")
    assert near.read(1) == b"!"
    return Shaken(near, far)


def page(port: int, program: str, files: TlsFiles, path: str) -> tuple[int, bytes]:
    """(status, body) of a page of `program` on this machine, asked with a certificate; OSError when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.connect()
        connection.sock = client_context(files).wrap_socket(connection.sock, server_hostname=host_of(program))
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()
    except http.client.HTTPException as error:
        raise OSError(f"{program} did not answer: {error!r}") from None
    finally:
        connection.close()
