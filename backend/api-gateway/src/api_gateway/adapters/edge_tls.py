"""The certificate that browsers see: the platform's own leaf, or the operator's; both follow their files."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from kit.errors import CertificateRefused, SettingsError
from kit.tls import TRUST_DOMAIN, Reloading, TlsFiles, server_context


@dataclass(frozen=True, slots=True)
class OperatorFiles(TlsFiles):
    """A certificate from elsewhere, in two files of the operator's choice. They are used as they are; what a browser
    thinks of their issuer is the operator's affair."""

    chain: Path
    private: Path
    root: Path
    """Whose certificates programs may show: the platform's root."""

    @property
    def cert(self) -> Path:
        """The leaf, then its intermediates (PEM)."""
        return self.chain

    @property
    def key(self) -> Path:
        """Its private key (PEM)."""
        return self.private

    @property
    def ca(self) -> Path:
        """Where the platform has no root nobody is asked for a certificate; the chain stands for it."""
        return self.root if self.root.exists() else self.chain


def _names(files: TlsFiles) -> tuple[str, ...]:
    try:
        names = files.leaf().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = names.get_values_for_type(x509.DNSName)
    return (*dns, *map(str, names.get_values_for_type(x509.IPAddress)))


class EdgeTls:
    """Build it, hand `context` to the server, and run each of `reloading` as a task."""

    def __init__(
        self, own: TlsFiles, chain: Path | None = None, private: Path | None = None, *, programs: bool = False
    ) -> None:
        """With `programs` callers are asked for a certificate of our root, to which a program's tokens are then bound;
        who has none comes in as well. SettingsError, one sentence, when there is no certificate that can be used."""
        self.shown: TlsFiles = own
        if chain is not None and private is not None:
            _check_key(private)
            self.shown = OperatorFiles(private.parent, chain, private, own.ca)
        try:
            self.context = server_context(self.shown, client_certificates=False)
        except CertificateRefused as error:
            raise SettingsError(
                f"the gateway may speak plain HTTP on loopback only, and for https it has no certificate ({error}). "
                "Start it with the hub, which makes one, or set AITRADING_API_GATEWAY_TLS_CERT and "
                "AITRADING_API_GATEWAY_TLS_KEY, or AITRADING_API_GATEWAY_HOST=127.0.0.1."
            ) from None
        if programs:
            # OpenSSL fixes this before it knows which name was asked for: it is for all callers or for none
            self.context.load_verify_locations(cafile=own.ca)
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.reloading = [Reloading(self.shown, [self.context])]
        if self.shown is not own and own.cert.exists():
            # the platform's own programs ask by the platform's name and trust the platform's root
            inner = server_context(own, client_certificates=False)
            self.reloading.append(Reloading(own, [inner]))

            def choose(end: ssl.SSLSocket | ssl.SSLObject, name: str | None, _outer: ssl.SSLContext) -> None:
                if name is not None and name.endswith(f".{TRUST_DOMAIN}"):
                    end.context = inner

            self.context.sni_callback = choose

    def names(self) -> tuple[str, ...]:
        """What browsers may call this server: DNS names and addresses of the certificate that they see."""
        return _names(self.shown)


def _check_key(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise SettingsError(f"AITRADING_API_GATEWAY_TLS_KEY: {file}: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(f"others may read the private key {file}: run `chmod go= {file}`")
