"""Facts about certificates and the handshakes they are good for."""

import base64
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kit import pki
from kit.errors import CertificateRefused
from kit.testing.pki import Shaken, TestAuthority, handshake
from kit.tls import (
    Identity,
    Reloading,
    TlsFiles,
    check_peer,
    client_context,
    host_of,
    identity_of,
    one_group,
    server_context,
    spki_pin,
    thumbprint,
)

BRIDGE = Identity.service("data-bridge")
ENGINE = Identity.service("trading-engine")
HOST = host_of("data-bridge")
HOUR_MS = 3_600_000


@pytest.fixture
def ca(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path)


def meet(server: TlsFiles, client: TlsFiles, host: str = HOST) -> Shaken:
    """A handshake in which both sides show a certificate."""
    return handshake(server_context(server, client_certificates=True), client_context(client), host)


@pytest.mark.parametrize(
    "identity",
    [BRIDGE, Identity.engine("nats"), Identity.operator(), Identity.terminal("bäcker & co", "1000001-a/b.c")],
)
def test_an_identity_is_read_back_from_its_certificate(ca: TestAuthority, identity: Identity) -> None:
    files = ca.issue(identity, folder="one", dns=())
    assert identity_of(pki.der(files.leaf())) == identity


@pytest.mark.parametrize(
    "uri",
    [
        "spiffe://elsewhere.internal/svc/data-bridge",
        "https://aitrading.internal/svc/data-bridge",
        "spiffe://aitrading.internal/svc/",
        "spiffe://aitrading.internal/svc/a/b",
        "spiffe://aitrading.internal/operator/x",
        "spiffe://aitrading.internal/tenant/t",
        "spiffe://aitrading.internal/svc/=64ata-bridge",
        "spiffe://aitrading.internal/svc/a?x",
        "spiffe://aitrading.internal/" + "svc/" * 200,
        "",
    ],
)
def test_a_name_that_is_not_written_in_the_one_right_way_is_nobody(uri: str) -> None:
    with pytest.raises(CertificateRefused):
        Identity.parse(uri)


def test_both_sides_of_a_handshake_know_each_other(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    met = handshake(server_context(bridge, client_certificates=True), client_context(engine), HOST)
    assert met.client.version() == "TLSv1.3"
    assert check_peer(met.server.getpeercert(True), [ENGINE]) == ENGINE
    assert check_peer(met.client.getpeercert(True), [BRIDGE]) == BRIDGE


def test_N09_another_root_is_refused_in_both_directions(ca: TestAuthority, tmp_path: Path) -> None:
    other = TestAuthority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(other.service("data-bridge"), ca.service("trading-engine"))
    stranger, ours = other.service("trading-engine"), ca.service("data-bridge")
    trusting = client_context(stranger)
    trusting.load_verify_locations(ours.ca)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        handshake(server_context(ours, client_certificates=True), trusting, HOST)


@pytest.mark.parametrize("when", [{"lifetime_s": -1, "from_ms": -HOUR_MS}, {"from_ms": HOUR_MS, "lifetime_s": 7_200}])
def test_N09_an_expired_or_not_yet_valid_certificate_is_refused_in_both_directions(
    ca: TestAuthority, when: dict[str, int]
) -> None:
    wrong = {"lifetime_s": when["lifetime_s"], "from_ms": ca.now_ms + when["from_ms"]}
    with pytest.raises(ssl.SSLCertVerificationError, match=r"expired|not yet valid"):
        meet(ca.issue(BRIDGE, **wrong), ca.service("trading-engine"))  # type: ignore[arg-type]
    with pytest.raises(ssl.SSLCertVerificationError, match=r"expired|not yet valid"):
        meet(ca.service("data-bridge"), ca.issue(ENGINE, **wrong))  # type: ignore[arg-type]


def test_N09_a_good_certificate_under_another_name_is_refused(ca: TestAuthority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        meet(ca.service("api-gateway"), ca.service("trading-engine"))


def test_N09_a_self_signed_certificate_is_refused_in_both_directions(ca: TestAuthority, tmp_path: Path) -> None:
    lone = pki.make_root(now_ms=ca.now_ms)
    own = ca.write("lone", lone.key, lone.certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(own, ca.service("trading-engine"))
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(ca.service("data-bridge"), own)


def test_N09_the_right_root_but_another_tenant_or_terminal_is_refused(ca: TestAuthority) -> None:
    ann = Identity.terminal("ann", "t1")
    shown = pki.der(ca.issue(Identity.terminal("bob", "t1"), folder="bob").leaf())
    for expected in ([ann], [Identity.terminal("bob", "t2")], [ENGINE], []):
        with pytest.raises(CertificateRefused) as refused:
            check_peer(shown, expected)
        assert refused.value.code == "identity"


def test_N09_a_key_that_is_not_pinned_is_refused_even_under_the_right_name(ca: TestAuthority) -> None:
    shown, other = pki.der(ca.service("data-bridge").leaf()), pki.der(ca.service("data-bridge").leaf())
    assert check_peer(shown, [BRIDGE], [spki_pin(other), spki_pin(shown)]) == BRIDGE
    with pytest.raises(CertificateRefused) as refused:
        check_peer(shown, [BRIDGE], [spki_pin(other)])
    assert refused.value.code == "pin"


def test_a_terminal_can_not_pose_as_a_server(ca: TestAuthority) -> None:
    posing = ca.issue(Identity.terminal("t", "x"), dns=(HOST,), server=False)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(posing, ca.service("trading-engine"))


def test_a_caller_without_certificate_is_let_in_only_where_that_is_optional(ca: TestAuthority) -> None:
    bridge = ca.service("data-bridge")
    nobody = client_context(bridge.ca)
    optional = server_context(bridge, client_certificates=True, optional=True)
    assert handshake(optional, nobody, HOST).server.getpeercert(True) is None
    with pytest.raises(CertificateRefused):
        check_peer(None, [ENGINE])
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        handshake(server_context(bridge, client_certificates=True), nobody, HOST)


def test_N10_tls_1_2_is_refused_in_both_directions(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    old_client, old_server = client_context(engine), server_context(bridge, client_certificates=True)
    for old in (old_client, old_server):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        handshake(server_context(bridge, client_certificates=True), old_client, HOST)
    with pytest.raises(ssl.SSLError):
        handshake(old_server, client_context(engine), HOST)


def test_N10_a_weak_group_is_refused(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    weak = client_context(engine)
    weak.set_ecdh_curve("secp521r1")
    with pytest.raises(ssl.SSLError):
        handshake(server_context(bridge, client_certificates=True), weak, HOST)


class _OldContext(ssl.SSLContext):
    """As in Python 3.11.2, which Debian 12 has: over OpenSSL 3 it can't name X25519."""

    named = ""

    def set_ecdh_curve(self, name: str) -> None:
        if name == "X25519":
            raise ssl.SSLError("[EC: UNKNOWN_GROUP] unknown group")
        super().set_ecdh_curve(name)
        self.named = name


def test_a_python_that_can_not_name_x25519_takes_p_256_alone() -> None:
    old = _OldContext(ssl.PROTOCOL_TLS_SERVER)
    one_group(old)
    assert old.named == "prime256v1"


@pytest.mark.parametrize("group", ["X25519", "prime256v1"])
def test_our_clients_reach_a_server_of_either_group(ca: TestAuthority, group: str) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    server = server_context(bridge, client_certificates=True)
    server.set_ecdh_curve(group)
    assert handshake(server, client_context(engine), HOST).client.version() == "TLSv1.3"


def test_N10_no_ticket_is_given_that_could_carry_early_data(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    met = handshake(server_context(bridge, client_certificates=True), client_context(engine), HOST)
    assert met.client.session is None or not met.client.session.has_ticket


LeafOf = Callable[[TestAuthority], TlsFiles]


@pytest.mark.parametrize(
    "outside",
    [
        lambda ca: ca.issue(BRIDGE, dns=(HOST, "bank.example")),
        lambda ca: ca.issue(BRIDGE, addresses=("192.0.2.7",)),
    ],
    ids=["a foreign host name", "a foreign address"],
)
def test_the_intermediate_can_not_name_strangers(ca: TestAuthority, outside: LeafOf) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        meet(outside(ca), ca.service("trading-engine"))


def test_nobody_outside_the_trust_domain_is_anybody(ca: TestAuthority) -> None:
    key = pki.make_key()
    leaf = pki.make_leaf(ca.intermediate, key.public_key(), _Foreign(), now_ms=ca.now_ms, server=True, dns=(HOST,))  # type: ignore[arg-type]
    foreign = ca.write("foreign", key, leaf, ca.intermediate.certificate)
    shaken = meet(ca.service("data-bridge"), foreign)
    with pytest.raises(CertificateRefused, match="trust domain"):
        check_peer(shaken.server.getpeercert(True), [Identity.service("trading-engine")])


def test_browsers_know_every_kind_of_constraint_that_we_use(ca: TestAuthority) -> None:
    constraints = ca.intermediate.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    # Chromium refuses a whole chain (ERR_CERT_INVALID) for a constrained kind of name that it does not implement
    assert {type(one) for one in constraints.value.permitted_subtrees or ()} == {x509.DNSName, x509.IPAddress}


class _Foreign:
    path = "svc/trading-engine"
    uri = "spiffe://elsewhere.example/svc/trading-engine"


def test_the_intermediate_can_not_make_another_one(ca: TestAuthority) -> None:
    second = pki.make_intermediate(ca.intermediate, now_ms=ca.now_ms + 1_000)
    key = pki.make_key()
    leaf = pki.make_leaf(second, key.public_key(), BRIDGE, now_ms=ca.now_ms, server=True, dns=(HOST,))
    chain = (leaf, second.certificate, ca.intermediate.certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match="path length"):
        meet(ca.write("deep", key, *chain), ca.service("trading-engine"))


def test_configured_hosts_and_networks_may_be_named(ca: TestAuthority) -> None:
    ca.intermediate = pki.make_intermediate(
        ca.root, now_ms=ca.now_ms, dns=("desk.example",), networks=("192.0.2.0/24",)
    )
    bridge = ca.issue(BRIDGE, dns=(HOST, "desk.example"), addresses=("192.0.2.7",))
    meet(bridge, ca.service("trading-engine"), "192.0.2.7")


def test_openssl_itself_finds_the_chain_good_by_its_strictest_rules(ca: TestAuthority) -> None:
    files = ca.service("data-bridge")
    middle = ca.directory / "middle.pem"
    middle.write_bytes(pki.pem(ca.intermediate.certificate))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(files.ca), "-untrusted", str(middle)]
    for purpose in ("sslserver", "sslclient"):
        done = subprocess.run([*command, "-purpose", purpose, str(files.cert)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_request_yields_its_key_and_nothing_else(ca: TestAuthority) -> None:
    key = pki.make_key()
    assert pki.requested_key(pki.make_request(key)) == key.public_key()


def test_a_request_that_proves_nothing_is_refused() -> None:
    text = pki.make_request(pki.make_key())
    body = bytearray(x509.load_pem_x509_csr(text).public_bytes(Encoding.DER))
    body[-1] ^= 1
    forged = ssl.DER_cert_to_PEM_cert(bytes(body)).replace("CERTIFICATE", "CERTIFICATE REQUEST").encode()
    for wrong in (forged, b"", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"):
        with pytest.raises(CertificateRefused):
            pki.requested_key(wrong)


def test_N11_a_living_server_shows_the_new_certificate_after_a_renewal(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    server, client = server_context(bridge, client_certificates=True), client_context(engine)
    watcher = Reloading(bridge, [server])
    assert not watcher.look()
    ca.service("data-bridge")
    assert watcher.look()
    met = handshake(server, client, HOST)
    assert met.client.getpeercert(True) == pki.der(bridge.leaf())


def test_N11_half_a_renewal_is_not_loaded(ca: TestAuthority) -> None:
    bridge, engine = ca.service("data-bridge"), ca.service("trading-engine")
    server = server_context(bridge, client_certificates=True)
    watcher, before = Reloading(bridge, [server]), pki.der(bridge.leaf())
    bridge.key.write_bytes(pki.key_pem(pki.make_key()))
    assert not watcher.look()
    assert handshake(server, client_context(engine), HOST).client.getpeercert(True) == before


def test_N11_leafs_of_the_old_and_of_the_new_intermediate_understand_each_other(ca: TestAuthority) -> None:
    old = ca.service("data-bridge")
    ca.intermediate = pki.make_intermediate(ca.root, now_ms=ca.now_ms)
    new = ca.service("trading-engine")
    meet(old, new)
    meet(new, old, host_of("trading-engine"))


def test_an_expired_leaf_is_told_in_a_sentence_that_says_what_to_do(ca: TestAuthority) -> None:
    files = ca.service("data-bridge")
    files.check(ca.now_ms)
    with pytest.raises(CertificateRefused, match="aitrading up"):
        files.check(ca.now_ms + 2 * HOUR_MS)
    with pytest.raises(CertificateRefused, match="aitrading up"):
        TlsFiles(files.directory / "nowhere").check(ca.now_ms)


def test_the_thumbprint_is_that_of_rfc_8705(ca: TestAuthority) -> None:
    files = ca.service("data-bridge")
    done = subprocess.run(
        ["openssl", "x509", "-in", str(files.cert), "-noout", "-fingerprint", "-sha256"],
        capture_output=True,
        text=True,
        check=True,
    )
    plain = bytes.fromhex(done.stdout.strip().split("=")[1].replace(":", ""))
    assert thumbprint(pki.der(files.leaf())) == base64.urlsafe_b64encode(plain).decode().rstrip("=")
