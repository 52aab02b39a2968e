"""The client believes one server: lying name servers, proxies, wrong certificates and false pins change nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import terminal_rig as rig
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.papers import PinsRefused
from client_security.adapters.wire import Unreachable
from client_security.membership import Ticket
from contracts.terminals import PINS_CONTEXT, PinSet, SignedPins
from kit import pki
from kit.testing.pki import TestAuthority
from kit.tls import Identity, TlsFiles, host_of, spki_pin

DAY_MS = 86_400_000
ELSEWHERE = "127.0.0.2"
HOST = host_of("data-bridge")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[rig.Server]:
    async with rig.opened(tmp_path) as made:
        yield made


@pytest.fixture
async def pc(server: rig.Server, tmp_path: Path) -> rig.Pc:
    made = rig.Pc(tmp_path / "pc", server.enrol())
    (await made.connect()).hang_up()
    return made


async def test_N07_a_poisoned_name_leads_to_a_refusal_and_the_cached_address_still_works(server, pc, tmp_path) -> None:
    stranger = TestAuthority(tmp_path / "stranger").issue(Identity.service("data-bridge"), dns=(HOST,))
    await server.listen(ELSEWHERE, stranger)
    pc.leads_to = [ELSEWHERE]
    before = len(server.lines)
    (await pc.connect()).hang_up()
    assert len(server.lines) == before + 1
    assert pc.member.last.read() == "127.0.0.1"


async def test_N07_without_a_cached_address_a_poisoned_name_is_refused_in_words(server, pc, tmp_path) -> None:
    stranger = TestAuthority(tmp_path / "stranger").issue(Identity.service("data-bridge"), dns=(HOST,))
    await server.listen(ELSEWHERE, stranger)
    pc.leads_to = [ELSEWHERE]
    pc.member.last.path.unlink()
    with pytest.raises(Unreachable, match=r"is not this server.*nothing was sent to it"):
        await pc.connect()


async def test_N07_when_no_name_can_be_looked_up_the_cached_address_is_used(pc) -> None:
    pc.leads_to = []
    (await pc.connect()).hang_up()
    pc.member.last.path.unlink()
    with pytest.raises(Unreachable, match="can't be looked up"):
        await pc.connect()


async def test_N08_a_proxy_that_inspects_tls_is_refused_and_named(server, pc, tmp_path) -> None:
    # as such a proxy does it: the very name that was asked for, signed by the company's own root
    proxy = TestAuthority(tmp_path / "proxy").issue(Identity.service("data-bridge"), dns=(HOST, rig.NAME))
    await server.close()
    await server.listen("127.0.0.1", proxy)
    with pytest.raises(Unreachable, match="proxy that inspects TLS"):
        await pc.connect()
    assert pc.papers.membership() is not None


def wrong_certificates(server: rig.Server, tmp_path: Path) -> dict[str, TlsFiles]:
    """What a server might show, each wrong in one way."""
    right, now = Identity.service("data-bridge"), rig.now_ms()
    ours = server.authority
    key = pki.make_key()
    own_root = pki.make_root(now_ms=now, key=key)
    alone = pki.make_leaf(own_root, key.public_key(), right, now_ms=now, dns=(HOST,), server=True)
    terminal = Identity.terminal("default", "x")
    return {
        "expired": ours.issue(right, folder="expired", lifetime_s=-60, from_ms=now - DAY_MS),
        "not yet valid": ours.issue(right, folder="early", from_ms=now + 600_000),
        "wrong name": ours.issue(right, folder="name", dns=("api-gateway.aitrading.internal",)),
        "wrong authority": TestAuthority(tmp_path / "other").issue(right, dns=(HOST,)),
        "self-signed": ours.write("self", key, alone),
        "another service": ours.issue(Identity.service("api-gateway"), folder="svc", dns=(HOST,)),
        "a terminal": ours.issue(terminal, folder="terminal", dns=(HOST,), server=True),
        "a client's certificate": ours.issue(right, folder="client", dns=(HOST,), server=False),
    }


async def accepted(pc: rig.Pc, ticket: Ticket, what: str) -> None:
    (await pc.connect(ticket)).hang_up()
    pytest.fail(f"{what} was accepted")


async def test_N09_no_wrong_certificate_of_a_server_is_accepted(server, pc, tmp_path) -> None:
    ticket = await pc.member.ticket()
    for what, files in wrong_certificates(server, tmp_path).items():
        await server.close()
        await server.listen("127.0.0.1", files)
        with pytest.raises(Unreachable):
            await accepted(pc, ticket, what)
    await server.close()
    await server.listen("127.0.0.1")
    (await pc.connect(ticket)).hang_up()


def pinset(server: rig.Server, version: int, *, signer: Ed25519PrivateKey | None = None, **changes: object) -> bytes:
    """A set of pins as `aitrading terminal pins` signs it."""
    root = pki.pem(server.authority.root.certificate).decode()
    pin = spki_pin(pki.der(server.authority.root.certificate))
    now = rig.now_ms()
    made = msgspec.structs.replace(PinSet(version, (pin,), now, now + 400 * DAY_MS, root), **changes)
    body = msgspec.json.encode(made).decode()
    signature = (signer or server.rotation_key).sign(PINS_CONTEXT + body.encode())
    return msgspec.json.encode(SignedPins(body, signature.hex()))


async def test_N09_an_expired_pinset_connects_to_nobody_and_says_why(pc) -> None:
    pc.clock.ahead_ms = 401 * DAY_MS
    with pytest.raises(Unreachable, match="pinned keys of the server have expired, so nothing is traded"):
        await pc.connect()


async def test_N09_thirty_days_before_the_pins_expire_there_is_a_warning(pc) -> None:
    assert pc.member.warning() == ""
    pc.clock.ahead_ms = 371 * DAY_MS
    assert "expire in 28 day(s)" in pc.member.warning() or "expire in 29 day(s)" in pc.member.warning()


async def test_N09_a_pinset_can_not_be_rolled_back(server, pc) -> None:
    assert pc.papers.take_pins(pinset(server, 2), rig.now_ms()).version == 2
    for older in (1, 2):
        with pytest.raises(PinsRefused, match="has 2 already"):
            pc.papers.take_pins(pinset(server, older), rig.now_ms())
    pc.restart()
    assert pc.member.pins.version == 2


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda server: pinset(server, 3, signer=Ed25519PrivateKey.generate()), "not signed"),
        (lambda server: pinset(server, 3, expires_ms=1), "expired"),
        (lambda server: pinset(server, 3, pins=("sha256/" + "A" * 43 + "=",)), "lock this client out"),
        (lambda server: pinset(server, 3, pins=("x",)), "pins that are none"),
        (lambda server: pinset(server, 3).replace(b"3", b"4", 1), "not signed"),
        (lambda server: b"{}", "not a signed set"),
        (lambda server: b"\xff" * 10, "not a signed set"),
    ],
)
async def test_N09_a_false_pinset_is_not_taken(server, pc, spoil, says) -> None:
    with pytest.raises(PinsRefused, match=says):
        pc.papers.take_pins(spoil(server), rig.now_ms())
    (await pc.connect()).hang_up()


async def test_N09_pins_that_rotate_with_a_renewal_let_the_next_root_in_and_the_old_one_out(
    server, pc, tmp_path
) -> None:
    following = TestAuthority(tmp_path / "next")
    root, pin = pki.pem(following.root.certificate).decode(), spki_pin(pki.der(following.root.certificate))
    old = pki.pem(server.authority.root.certificate).decode()
    both = (spki_pin(pki.der(server.authority.root.certificate)), pin)
    server.pinset = pinset(server, 1, pins=both, roots=old + root)
    await pc.member._renew(pc.member.joined)
    assert pc.member.pins.version == 1
    server.pinset = pinset(server, 2, pins=(pin,), roots=old + root)
    await pc.member._renew(pc.member.joined)
    assert pc.member.pins.trusted().strip() == root.strip()
    with pytest.raises(Unreachable, match="not of the server's own authority"):
        await pc.connect()


async def test_N14_after_a_change_of_address_the_same_certificate_and_token_are_good(server, pc) -> None:
    ticket = await pc.member.ticket()
    await server.close()
    for address in ("127.0.0.3", "::1"):
        await server.listen(address)
        pc.leads_to = [address]
        (await pc.connect(ticket)).hang_up()
        assert pc.member.last.read() == address
        await server.close()
