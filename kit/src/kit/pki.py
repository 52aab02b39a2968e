"""Make certificates on P-256: a root, an intermediate that may name only our own, and short-lived leafs."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kit.errors import CertificateRefused
from kit.tls import TRUST_DOMAIN, Identity

Key = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey

DAY_S = 86_400
ROOT_LIFETIME_S = 3_650 * DAY_S
INTERMEDIATE_LIFETIME_S = 365 * DAY_S
LEAF_LIFETIME_S = DAY_S
BACKDATED_S = 300
"""Clocks of our own machines may differ by this much."""
LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate that may sign others, with its key."""

    certificate: x509.Certificate
    key: Key


def make_key() -> Key:
    """A new P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """The private key as it stands in a file of mode 0600."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_key(pem: bytes) -> Key:
    """The key of `key_pem`; ValueError when it is none."""
    key = load_pem_private_key(pem, None)
    if not isinstance(key, Key):
        raise ValueError("not a P-256 key")
    return key


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as they stand in a file, the leaf first."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def der(certificate: x509.Certificate) -> bytes:
    """The certificate as it travels."""
    return certificate.public_bytes(Encoding.DER)


def read_chain(text: bytes) -> list[x509.Certificate]:
    """The certificates of `pem`; ValueError when there are none."""
    return x509.load_pem_x509_certificates(text)


def _time(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.UTC)


def _name(common: str) -> x509.Name:
    # 64 characters is what X.520 allows; the full name stands in the alternative names
    parts = (
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, TRUST_DOMAIN),
        x509.NameAttribute(NameOID.COMMON_NAME, common[:64]),
    )
    return x509.Name(parts)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PublicKey, issuer_key: PublicKey, from_ms: int, until_ms: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(from_ms))
        .not_valid_after(_time(until_ms))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def make_root(*, now_ms: int, key: Key | None = None, lifetime_s: int = ROOT_LIFETIME_S) -> Issuer:
    """A self-signed root that may sign intermediates, nothing below them. Its key belongs off-line."""
    key = key or make_key()
    public = key.public_key()
    name = _name(f"{TRUST_DOMAIN} root {_time(now_ms):%Y-%m-%d %H:%M:%S}")
    made = (
        _builder(name, name, public, public, now_ms - BACKDATED_S * 1000, now_ms + lifetime_s * 1000)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Issuer(made, key)


def _constraints(dns: Sequence[str], networks: Sequence[str]) -> x509.NameConstraints:
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in (TRUST_DOMAIN, "localhost", *dns)]
    permitted += [x509.IPAddress(ipaddress.ip_network(network)) for network in (*LOOPBACK, *networks)]
    # URIs stay free: browsers refuse a leaf with a URI under a constraint of that kind, which they do not implement.
    # Whoever reads an identity from a certificate checks the trust domain (`kit.tls.identity_of`)
    return x509.NameConstraints(permitted, None)


def make_intermediate(
    root: Issuer,
    *,
    now_ms: int,
    dns: Sequence[str] = (),
    networks: Sequence[str] = (),
    key: Key | None = None,
    lifetime_s: int = INTERMEDIATE_LIFETIME_S,
) -> Issuer:
    """Signs leafs, nothing else, and only leafs of our trust domain, of loopback, and of the given host names and
    networks (`192.168.1.0/24`, a single address as `…/32`): whoever steals it can't be anybody else's bank."""
    key = key or make_key()
    made = (
        _builder(
            _name(f"{TRUST_DOMAIN} intermediate {_time(now_ms):%Y-%m-%d %H:%M:%S}"),
            root.certificate.subject,
            key.public_key(),
            root.key.public_key(),
            now_ms - BACKDATED_S * 1000,
            now_ms + lifetime_s * 1000,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_constraints(dns, networks), critical=True)
        .sign(root.key, hashes.SHA256())
    )
    return Issuer(made, key)


def make_leaf(
    issuer: Issuer,
    key: PublicKey,
    identity: Identity,
    *,
    now_ms: int,
    lifetime_s: int = LEAF_LIFETIME_S,
    dns: Sequence[str] = (),
    addresses: Sequence[str] = (),
    server: bool = False,
    from_ms: int | None = None,
) -> x509.Certificate:
    """A leaf for `identity`. With `server` it may also answer under the names `dns` and the `addresses`. It is valid
    from a little before `now_ms` (or `from_ms`) for `lifetime_s`."""
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.uri)]
    if server:
        names += [x509.DNSName(name) for name in dns]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if server else [])
    return (
        _builder(
            _name(identity.path),
            issuer.certificate.subject,
            key,
            issuer.key.public_key(),
            now_ms - BACKDATED_S * 1000 if from_ms is None else from_ms,
            now_ms + lifetime_s * 1000,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def make_request(key: Key) -> bytes:
    """A request (PKCS #10, PEM) that proves we hold `key`; who we are is for the issuer to say."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def requested_key(request: bytes) -> PublicKey:
    """The P-256 key of a request. CertificateRefused with code `request` when it does not prove to hold the key.
    Nothing else of the request is read: names and purposes are given, never asked for."""
    try:
        read = x509.load_pem_x509_csr(request)
        proven = read.is_signature_valid
        key = read.public_key()
    except (ValueError, InvalidSignature) as error:
        raise CertificateRefused("request", f"the certificate request can't be read: {error}") from None
    if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateRefused("request", "the certificate request must be for a P-256 key")
    if not proven:
        raise CertificateRefused("request", "the certificate request does not prove that its sender holds the key")
    return key
