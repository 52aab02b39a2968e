"""Certificates for the apps of one PC: an authority that signs them once and forgets its own key.

Whoever may read the health pages shows the certificate of the desktop's command line. The root's key is thrown away as
soon as the leafs are signed: nothing on the disk can make another one. They are all made anew at every start.
"""

import time
from pathlib import Path

from client_security.adapters.private_file import locked, write_private
from contracts.ports import CLIENT_LISTENERS, Wire
from kit import pki
from kit.tls import Identity, TlsFiles, host_of

FOLDER = Path("secrets") / "local"
DESKTOP = "desktop"
LIFETIME_S = 80 * pki.DAY_S
RENEW_EVERY_S = 40 * pki.DAY_S
"""A client that runs without end makes new ones while it runs."""


def local_files(data: Path, name: str) -> TlsFiles:
    """Where an app of this data directory, or the `desktop`, finds its own."""
    return TlsFiles(data / FOLDER / name)


def make_local_certificates(data: Path, *, only_missing: str = "") -> None:
    """New ones for every app and for the desktop; with `only_missing`, when that app has none."""
    now = time.time_ns() // 1_000_000
    with locked(data / FOLDER / "lock"):
        if only_missing and local_files(data, only_missing).cert.exists():
            return
        root = pki.make_root(now_ms=now)
        issuer = pki.make_intermediate(root, now_ms=now)
        for name in (*(name for name, one in CLIENT_LISTENERS.items() if one.wire is Wire.MUTUAL_TLS), DESKTOP):
            key = pki.make_key()
            server = name != DESKTOP
            leaf = pki.make_leaf(
                issuer,
                key.public_key(),
                Identity.service(name) if server else Identity.operator(),
                now_ms=now,
                lifetime_s=LIFETIME_S,
                dns=(host_of(name),),
                addresses=("127.0.0.1", "::1"),
                server=server,
            )
            files = local_files(data, name)
            write_private(files.ca, pki.pem(root.certificate))
            write_private(files.key, pki.key_pem(key))
            write_private(files.cert, pki.pem(leaf, issuer.certificate))


def ensured(data: Path, name: str) -> TlsFiles:
    """An app's files; made when it was started by itself and there are none."""
    make_local_certificates(data, only_missing=name)
    return local_files(data, name)
