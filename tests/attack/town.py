"""The whole platform for the attack suites: started once, with people of two tenants and a trader's PC."""

import json
import ssl
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from wire import Wire

from kit.keys import read_private_key
from stage import Stage

PASSWORD = "canary-Passphrase-7f3a9c51e0"
"""Found in no log, file, environment or command line afterwards: see test_canary."""
PEOPLE = {"alice": ("default", "trader"), "bob": ("other", "trader"), "victor": ("default", "viewer")}
""" name -> (tenant, role) """


@dataclass
class Person:
    """Somebody who has signed in."""

    name: str
    token: str
    csrf: str

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of a program."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Town:
    """Ask for `person`, the doors as `gateway` and `bridge`, and the keys with which lies are signed."""

    stage: Stage
    people: dict[str, Person] = field(default_factory=dict)

    def open(self) -> None:
        """Start the platform, make the people, start the client."""
        self.stage.start_platform()
        for name, (tenant, role) in PEOPLE.items():
            self.stage.run_cli(
                "user", "add", name, "--tenant", tenant, "--role", role, "--password-stdin", stdin=PASSWORD + "\n"
            )
        self.stage.start_client(first_read_s=60)

    @property
    def trust(self) -> ssl.SSLContext | None:
        """What a browser of this town trusts; None where the gateway speaks plain HTTP on loopback."""
        if not self.stage.address.startswith("https"):
            return None
        return ssl.create_default_context(cafile=str(self.root))

    @property
    def schemathesis_trust(self) -> tuple[str, ...]:
        """Arguments that make Schemathesis trust what `trust` does."""
        return ("--tls-verify", str(self.root)) if self.trust else ()

    @property
    def root(self) -> Path:
        """The root certificate of the platform's own authority."""
        return self.stage.data / "secrets" / "ca" / "root.pem"

    def gateway(self) -> Wire:
        """The gateway's door."""
        parts = urlsplit(self.stage.address)
        assert parts.hostname
        assert parts.port
        return Wire(parts.hostname, parts.port, self.trust, parts.hostname)

    def bridge(self) -> Wire:
        """The terminals' door."""
        return Wire("127.0.0.1", self.stage.ports["data-bridge"])

    @property
    def terminal_token(self) -> str:
        """The genuine token of the trader's PC."""
        return str(self.enrolment["token"])

    @property
    def terminal_life_s(self) -> int:
        """The longest life that the bridge allows a token."""
        return 31 * 86_400

    def fetch(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One ordinary request; returns (headers, decoded body), HTTPError otherwise."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.stage.address + path, data, sent, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else None

    def person(self, name: str) -> Person:
        """Signed in, once for the whole town: signing in is slow and limited on purpose."""
        if name not in self.people:
            headers, session = self.fetch("POST", "/api/v1/session", {"name": name, "password": PASSWORD})
            token = headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
            self.people[name] = Person(name, token, session["csrf"])
        return self.people[name]

    @property
    def token_key(self) -> Ed25519PrivateKey:
        """The platform's own key: most lies are truly signed."""
        return read_private_key(self.stage.data / "secrets" / "token.key")

    @property
    def enrolment(self) -> dict[str, Any]:
        """What the trader's PC was given."""
        found: dict[str, Any] = json.loads((self.stage.client_data / "enrolment.json").read_text())
        return found

    @property
    def logs(self) -> Path:
        """Where every service writes."""
        return self.stage.data / "logs"
