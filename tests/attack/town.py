"""The whole platform for the attack suites: started once, with people of two tenants and a trader's PC."""

import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from token_corpus import signed, text
from wire import Wire

from kit import pki
from kit.keys import key_id, read_private_key
from kit.tls import Identity, TlsFiles, client_context, host_of, thumbprint
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
    since_s: float = 0.0
    """When it was, by `time.monotonic`."""

    @property
    def bearer(self) -> dict[str, str]:
        """Headers of a program."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Terminal:
    """A trader's PC as the bridge sees it."""

    files: TlsFiles
    token: str


@dataclass
class Town:
    """Ask for `person`, the doors as `gateway` and `bridge`, and the keys with which lies are signed."""

    stage: Stage
    people: dict[str, Person] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """Every token that anybody got."""

    def open(self) -> None:
        """Start the platform, make the people, start the client."""
        self.stage.start_platform()
        for tenant in {tenant for tenant, _ in PEOPLE.values()} - {"default"}:
            self.stage.run_cli("tenant", "add", tenant)
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

    def certificate(self, folder: str, now_ms: int) -> TlsFiles:
        """A certificate of our terminal, with a key of its own each time."""
        secrets = self.stage.data / "secrets"
        chain = pki.read_chain((secrets / "ca" / "intermediate.pem").read_bytes())
        issuer = pki.Issuer(chain[0], pki.read_key((secrets / "ca" / "intermediate.key").read_bytes()))
        key = pki.make_key()
        leaf = pki.make_leaf(issuer, key.public_key(), Identity.terminal("default", "attacker-1"), now_ms=now_ms)
        files = self.stage.data.parent / folder
        files.mkdir(mode=0o700)
        (files / "cert.pem").write_bytes(pki.pem(leaf, *chain[:1]))
        (files / "key.pem").write_bytes(pki.key_pem(key))
        (files / "ca.pem").write_bytes(self.root.read_bytes())
        return TlsFiles(files)

    @cached_property
    def terminal(self) -> Terminal:
        """A terminal of our own, made with the platform's own keys: nothing but the lie itself is wrong about it."""
        now_ms = time.time_ns() // 1_000_000
        files = self.certificate("terminal", now_ms)
        leaf = files.leaf()
        now_s = now_ms // 1_000
        claims = {
            "iss": "aitrading",
            "aud": "data-bridge",
            "sub": "attacker-1",
            "iat": now_s,
            "exp": now_s + 3_600,
            "jti": "attack",
            "tenant": "default",
            "account": "attack1",
            "cnf": {"x5t#S256": thumbprint(pki.der(leaf))},
        }
        header = {"alg": "Ed25519", "typ": "terminal+jwt", "kid": key_id(self.token_key)}
        return Terminal(files, signed(self.token_key, text(header), text(claims)))

    def bridge(self, files: TlsFiles | None = None) -> Wire:
        """The terminals' door, with a terminal's certificate in hand."""
        context, name = client_context(files or self.terminal.files), host_of("data-bridge")
        return Wire("127.0.0.1", self.stage.ports["data-bridge"], context, name)

    def fetch(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """One ordinary request; returns (headers, decoded body), HTTPError otherwise."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | (headers or {})
        request = urllib.request.Request(self.stage.address + path, data, sent, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else None

    def person(self, name: str, at_most_s: float = 300.0) -> Person:
        """Signed in, not longer ago than that. Signing in is slow and limited on purpose, a token is good for fifteen
        minutes, and whoever attacks with one that has ended tries nothing."""
        known = self.people.get(name)
        if known is None or time.monotonic() - known.since_s > at_most_s:
            headers, session = self.sign_in(name)
            token = headers["Set-Cookie"].split(";")[0].split("=", 1)[1]
            self.people[name] = Person(name, token, session["csrf"], time.monotonic())
            self.tokens.append(token)
        return self.people[name]

    def sign_in(self, name: str) -> Any:
        """Whoever has just tried a hundred passwords has to wait, like everybody."""
        for _ in range(3):
            try:
                return self.fetch("POST", "/api/v1/session", {"name": name, "password": PASSWORD})
            except urllib.error.HTTPError as refused:
                if refused.code != 429:
                    raise
                time.sleep(int(refused.headers["Retry-After"]))
        raise AssertionError(f"{name} can't sign in although the limit's time is over")

    def still_in(self, person: Person) -> bool:
        """Whether the person's token is good, as it was before an attack with it."""
        try:
            return bool(self.fetch("GET", "/api/v1/me", headers=person.bearer)[1]["name"] == person.name)
        except urllib.error.HTTPError:
            return False

    @property
    def token_key(self) -> Ed25519PrivateKey:
        """The platform's own key: most lies are truly signed."""
        return read_private_key(self.stage.data / "secrets" / "token.key")

    @property
    def logs(self) -> Path:
        """Where every service writes."""
        return self.stage.data / "logs"
