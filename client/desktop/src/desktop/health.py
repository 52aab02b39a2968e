"""Ask an app on this PC for its health page."""

import http.client

import msgspec

from contracts.audit import DependencyHealth

TIMEOUT_S = 2.0


class Answer(msgspec.Struct, frozen=True):
    """An app's /health/ready. `ready` false with no dependencies: it did not answer."""

    service: str
    ready: bool
    dependencies: tuple[DependencyHealth, ...] = ()
    trouble: str = ""


def ask(app: str, port: int) -> Answer:
    """One question over the loopback; never raises. Blocks for two seconds at most."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return msgspec.json.decode(connection.getresponse().read(), type=Answer)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        return Answer(app, False, (), f"no answer on port {port} ({error})")
    finally:
        connection.close()
