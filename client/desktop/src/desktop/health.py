"""Ask an app on this PC for one of its pages, with the certificate that this PC made for its command line."""

import http.client
from pathlib import Path

import msgspec

from client_security.adapters.local_ca import DESKTOP, local_files
from contracts.audit import DependencyHealth
from kit.errors import CertificateRefused
from kit.tls import client_context, host_of

TIMEOUT_S = 2.0


class Answer(msgspec.Struct, frozen=True):
    """An app's /health/ready. `ready` false with no dependencies: it did not answer."""

    service: str
    ready: bool
    dependencies: tuple[DependencyHealth, ...] = ()
    trouble: str = ""


def page(data: Path, app: str, port: int, path: str) -> bytes:
    """A page of the app; OSError when what answers is not this app, or nothing does. Blocks for two seconds at most."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.connect()
        context = client_context(local_files(data, DESKTOP))
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of(app))
        connection.request("GET", path)
        return connection.getresponse().read()
    except (CertificateRefused, http.client.HTTPException) as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def ask(data: Path, app: str, port: int) -> Answer:
    """How the app is; never raises."""
    try:
        return msgspec.json.decode(page(data, app, port, "/health/ready"), type=Answer)
    except (OSError, msgspec.DecodeError) as error:
        return Answer(app, False, (), f"no answer on port {port} ({error})")
