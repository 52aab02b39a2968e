"""Ask another app of this PC, with the certificate that this PC made for the asker."""

import http.client
from dataclasses import dataclass
from pathlib import Path

from client_security.adapters.local_ca import local_files
from contracts.errands import MAX_FRAME_BYTES
from kit.errors import CertificateRefused
from kit.tls import client_context, host_of

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One app of this data directory."""

    data: Path
    app: str
    port: int
    asker: str

    def get(self, path: str) -> bytes:
        """The answer; OSError when what answers is not this app, or says no, or nothing does. Blocks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.connect()
            context = client_context(local_files(self.data, self.asker))
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host_of(self.app))
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read(MAX_FRAME_BYTES + 1)
            if answer.status != 200 or len(body) > MAX_FRAME_BYTES:
                raise OSError(f"{self.app} answered {answer.status} with {len(body)} bytes")
            return body
        except (OSError, CertificateRefused, http.client.HTTPException) as error:
            raise OSError(f"{self.app} on port {self.port} can't be asked: {error}") from None
        finally:
            connection.close()
