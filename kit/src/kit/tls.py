"""TLS 1.3 between our own processes: who a certificate names, contexts that trust one root only, and their renewal."""

import asyncio
import base64
import hashlib
import re
import ssl
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.errors import ContractError
from contracts.subjects import name_of, token
from kit import log
from kit.errors import CertificateRefused

TRUST_DOMAIN = "aitrading.internal"
RELOAD_EVERY_S = 2.0
CIPHERS_TLS13 = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
GROUPS = ("X25519", "prime256v1", "secp384r1")
_OF_TENANT = re.compile(r"^tenant/([^/]+)/(terminal|program)/([^/]+)$")
_PLAIN = re.compile(r"^(svc|engine)/([^/]+)$")

_log = log.get("tls")


class Kind(StrEnum):
    """What a certificate may belong to."""

    SERVICE = "svc"
    ENGINE = "engine"
    TERMINAL = "terminal"
    PROGRAM = "program"
    """A program of a tenant that asks the gateway."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Identity:
    """The one name in a certificate. Build it with one of the class methods below."""

    kind: Kind
    name: str = ""
    """Service, engine, program or terminal id; empty for the operator."""
    tenant: str = ""
    """Only terminals and programs have one."""

    @classmethod
    def service(cls, name: str) -> "Identity":
        """A service of the platform."""
        return cls(Kind.SERVICE, name)

    @classmethod
    def engine(cls, name: str) -> "Identity":
        """An engine that the hub starts."""
        return cls(Kind.ENGINE, name)

    @classmethod
    def terminal(cls, tenant: str, terminal_id: str) -> "Identity":
        """One terminal of one tenant."""
        return cls(Kind.TERMINAL, terminal_id, tenant)

    @classmethod
    def program(cls, tenant: str, name: str) -> "Identity":
        """A program of one tenant that speaks to the gateway."""
        return cls(Kind.PROGRAM, name, tenant)

    @classmethod
    def operator(cls) -> "Identity":
        """The command line and the tools of the machine's owner."""
        return cls(Kind.OPERATOR)

    @classmethod
    def parse(cls, uri: str) -> "Identity":
        """The identity behind `uri`; CertificateRefused with code `identity` when it is none of ours."""
        prefix = f"spiffe://{TRUST_DOMAIN}/"
        path = uri.removeprefix(prefix)
        if path == uri or len(uri) > 512:
            raise CertificateRefused("identity", f"{uri[:80]!r} is not in the trust domain {TRUST_DOMAIN}")
        try:
            if path == Kind.OPERATOR:
                made = cls.operator()
            elif found := _PLAIN.match(path):
                made = cls(Kind(found[1]), name_of(found[2]))
            elif found := _OF_TENANT.match(path):
                made = cls(Kind(found[2]), name_of(found[3]), name_of(found[1]))
            else:
                raise CertificateRefused("identity", f"{uri[:80]!r} names nothing that we know")
        except ContractError as error:
            raise CertificateRefused("identity", str(error)) from None
        if made.uri != uri:
            raise CertificateRefused("identity", f"{uri[:80]!r} is not written in the one right way")
        return made

    @property
    def path(self) -> str:
        """What follows the trust domain; also for people to read."""
        if self.kind is Kind.OPERATOR:
            return str(self.kind)
        if self.kind in (Kind.TERMINAL, Kind.PROGRAM):
            return f"tenant/{token(self.tenant)}/{self.kind}/{token(self.name)}"
        return f"{self.kind}/{token(self.name)}"

    @property
    def uri(self) -> str:
        """As it stands in the certificate (SPIFFE's form: https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/)."""
        return f"spiffe://{TRUST_DOMAIN}/{self.path}"

    def __str__(self) -> str:
        return self.path


def host_of(program: str) -> str:
    """The name in the certificate of a server; clients check it whatever address they dial."""
    return f"{program}.{TRUST_DOMAIN}"


def identity_of(certificate_der: bytes) -> Identity:
    """Whom a certificate names; CertificateRefused unless it holds exactly one URI, one of ours."""
    try:
        names = x509.load_der_x509_certificate(certificate_der).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise CertificateRefused("identity", f"the certificate names nobody: {error}") from None
    if len(uris) != 1:
        raise CertificateRefused("identity", f"the certificate holds {len(uris)} identities instead of one")
    return Identity.parse(uris[0])


def spki_pin(certificate_der: bytes) -> str:
    """`sha256/<base64>` over the public key of a certificate (RFC 7469)."""
    key = x509.load_der_x509_certificate(certificate_der).public_key()
    return (
        "sha256/"
        + base64.b64encode(
            hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        ).decode()
    )


def thumbprint(certificate_der: bytes) -> str:
    """`x5t#S256` of RFC 8705: SHA-256 of the certificate, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(certificate_der).digest()).rstrip(b"=").decode()


def check_peer(certificate_der: bytes | None, expected: Collection[Identity], pins: Collection[str] = ()) -> Identity:
    """Whom we talk to, once the handshake is done. CertificateRefused with code `no_certificate`, `identity` or `pin`
    when it is nobody of `expected`, or (with `pins`) when the key of its certificate is none of them."""
    if not certificate_der:
        raise CertificateRefused("no_certificate", "the other side showed no certificate")
    found = identity_of(certificate_der)
    if found not in expected:
        wanted = ", ".join(str(one) for one in expected) or "nobody"
        raise CertificateRefused("identity", f"the other side is {found}, expected was {wanted}")
    if pins and spki_pin(certificate_der) not in pins:
        raise CertificateRefused("pin", f"the key of {found} is not one of those that are pinned")
    return found


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A leaf and what it trusts, in `directory`. The hub replaces them before they expire."""

    directory: Path

    @property
    def cert(self) -> Path:
        """The leaf, then its intermediate (PEM)."""
        return self.directory / "cert.pem"

    @property
    def key(self) -> Path:
        """The leaf's private key (PEM, mode 0600)."""
        return self.directory / "key.pem"

    @property
    def ca(self) -> Path:
        """The root, or both roots while one is replaced; nothing else is trusted."""
        return self.directory / "ca.pem"

    def leaf(self) -> x509.Certificate:
        """The leaf as it lies on the disk; CertificateRefused with code `files` and what to do."""
        try:
            return x509.load_pem_x509_certificates(self.cert.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise CertificateRefused(
                "files", f"{self.cert} can't be used ({error}): start the hub with `aitrading up`, it makes it anew"
            ) from None

    def check(self, now_ms: int) -> None:
        """CertificateRefused with a sentence when the leaf is missing or its time is over."""
        ends = self.leaf().not_valid_after_utc
        if ends.timestamp() * 1000 <= now_ms:
            raise CertificateRefused(
                "expired",
                f"the certificate {self.cert} expired at {ends:%Y-%m-%d %H:%M:%S} UTC and the hub, which renews it, "
                f"was away: start it with `aitrading up`",
            )


def _hardened(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def one_group(context: ssl.SSLContext) -> None:
    """Leave a server the groups that we want. It is the server that chooses: our clients offer what OpenSSL has, and so
    they reach a server of another Python than their own."""
    if hasattr(context, "set_groups"):  # Python 3.15
        context.set_groups(":".join(GROUPS))
        return
    # before that it takes one, and the one that everybody has is X25519
    try:
        context.set_ecdh_curve(GROUPS[0])
    except ssl.SSLError:  # Python before 3.11.3, as in Debian 12, can't name it over OpenSSL 3
        context.set_ecdh_curve(GROUPS[1])


def _load_chain(context: ssl.SSLContext, files: TlsFiles) -> None:
    for last in (False, False, True):
        try:
            context.load_cert_chain(files.cert, files.key)
        except ssl.SSLError as error:
            # the hub is replacing the two files at this very moment
            if last or error.reason != "KEY_VALUES_MISMATCH":
                raise CertificateRefused("files", f"{files.cert} and {files.key} can't be used: {error}") from None
            time.sleep(0.05)
        except OSError as error:
            raise CertificateRefused(
                "files", f"{error.filename or files.key}: {error.strerror}; the hub makes it (`aitrading up`)"
            ) from None
        else:
            return


def _load_root(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=str(ca))
    except OSError as error:  # ssl.SSLError is one as well
        raise CertificateRefused("files", f"{ca} can't be used: {error.strerror or error}") from None


def server_context(files: TlsFiles, *, client_certificates: bool, optional: bool = False) -> ssl.SSLContext:
    """For a server. With `client_certificates` only callers with a certificate of our root get in; with `optional`
    also those that show none, and whoever accepts them decides what they may. Never anything below TLS 1.3."""
    context = _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.num_tickets = 0
    one_group(context)
    _load_chain(context, files)
    if client_certificates:
        _load_root(context, files.ca)
        context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
    return context


def client_context(files: TlsFiles | Path | str) -> ssl.SSLContext:
    """For a client that trusts our root only and checks the server's name: pass `server_hostname=host_of(program)`.
    `files` shows our own certificate as well; a root alone, as a path or as PEM text, shows none."""
    context = _hardened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.hostname_checks_common_name = False
    if isinstance(files, str):
        try:
            context.load_verify_locations(cadata=files)
        except ssl.SSLError as error:
            raise CertificateRefused("files", f"the root certificate can't be used: {error}") from None
    elif isinstance(files, Path):
        _load_root(context, files)
    else:
        _load_root(context, files.ca)
        _load_chain(context, files)
    return context


@dataclass(slots=True)
class Reloading:
    """Keeps living contexts up to date with their files. `run` it as a task; connections that stand are not touched,
    new ones use the new certificate."""

    files: TlsFiles
    contexts: list[ssl.SSLContext] = field(default_factory=list)
    on_reload: Callable[[], None] = lambda: None
    """Called after the contexts were renewed."""
    _seen: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, ...]:
        try:
            paths = (self.files.cert, self.files.key, self.files.ca)
            return tuple(part for path in paths for part in (path.stat().st_mtime_ns, path.stat().st_ino))
        except OSError:
            return ()

    def look(self) -> bool:
        """Load what has changed; True when it did. Files that don't fit are left for the next look."""
        stamp = self._stamp()
        if not stamp or stamp == self._seen:
            return False
        try:
            # a trial first: a living context that was given half of a pair would refuse everybody
            trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            _load_chain(trial, self.files)
            _load_root(trial, self.files.ca)
        except CertificateRefused as error:
            _log.warning("certificate_not_reloaded", error=str(error))
            return False
        for context in self.contexts:
            _load_chain(context, self.files)
            if context.verify_mode is not ssl.CERT_NONE:
                _load_root(context, self.files.ca)
        self._seen = stamp
        _log.info("certificate_reloaded", cert=str(self.files.cert))
        self.on_reload()
        return True

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(RELOAD_EVERY_S)
            self.look()
