"""What the server offers is taken when it is signed, newer and for this PC; anything else is left and said."""

from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.adapters.papers import Papers
from client_security.testing import enrolment_of
from client_security.vaults import vault_in
from config_manager.adapters.version_files import VersionFiles
from config_manager.offers import Offers
from contracts.client_config import MAX_CONFIG_BYTES, ClientConfigOffer, SignedConfig
from contracts.codec import encode
from contracts.errands import CONFIG_INBOX
from contracts.rotation import KeyList, SignalKey
from kit.client_config import sign_config
from kit.key_lists import sign_list
from kit.keys import key_id, public_text
from kit.testing.pki import TestAuthority

NOW = 1_800_000_000_000


class Pc:
    """A PC that was enrolled, and the server's keys."""

    def __init__(self, folder: Path) -> None:
        self.key, self.rotation = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        spoken = enrolment_of(TestAuthority(folder / "ca"), "wss://x:1/terminal", self.key, join_token="t")
        spoken["rotation_key"] = public_text(self.rotation)
        (folder / "e.json").write_bytes(msgspec.json.encode(spoken))
        self.data = folder / "data"
        self.papers = Papers(vault_in(self.data))
        self.enrolment = self.papers.import_enrolment(folder / "e.json", "file")
        self.versions = VersionFiles(self.data / "config")
        self.offers = Offers(self.data, self.papers, self.versions, lambda: NOW)

    def offer(self, revision: int = 1, **changes: object) -> ClientConfigOffer:
        given = {"tenant": self.enrolment.tenant, "account": "", "values": {"poll_ms": 50}} | changes
        return ClientConfigOffer(revision=revision, issued_ms=NOW, **given)

    def drop(self, document: bytes) -> bool:
        (self.data / CONFIG_INBOX).write_bytes(document)
        return self.offers.look()


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path)


def test_a_signed_newer_offer_is_taken_once(pc: Pc) -> None:
    assert not pc.offers.look()
    document = encode(sign_config(pc.offer(), pc.key))
    assert pc.drop(document)
    assert not pc.offers.look()
    assert (pc.versions.current().config.poll_ms, pc.versions.current().why) == (50.0, "revision 1 of the server")
    assert pc.drop(encode(sign_config(pc.offer(2, account=pc.enrolment.account, values={"poll_ms": 60}), pc.key)))
    assert pc.versions.current().config.poll_ms == 60.0
    assert pc.offers.refused == ""


def unsigned(pc: Pc) -> SignedConfig:
    signed = sign_config(pc.offer(5), pc.key)
    return SignedConfig(signed.body, signed.key_id, bytes(64))


def by_a_stranger(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5), Ed25519PrivateKey.generate())


def in_anothers_name(pc: Pc) -> SignedConfig:
    signed = by_a_stranger(pc)
    return SignedConfig(signed.body, key_id(pc.key), signed.signature)


def changed(pc: Pc) -> SignedConfig:
    signed = sign_config(pc.offer(5), pc.key)
    return SignedConfig(signed.body.replace(b"50", b"51"), signed.key_id, signed.signature)


def too_large(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5, values={"symbols": ("X" * 30,) * (MAX_CONFIG_BYTES // 30)}), pc.key)


def older(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(1, values={"poll_ms": 5}), pc.key)


def of_another_tenant(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5, tenant="other"), pc.key)


def of_another_account(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5, account="999"), pc.key)


def with_a_program(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5, values={"terminal_path": "C:/evil.exe"}), pc.key)


def out_of_range(pc: Pc) -> SignedConfig:
    return sign_config(pc.offer(5, values={"poll_ms": 0}), pc.key)


def a_signal_instead(pc: Pc) -> SignedConfig:
    body = msgspec.json.encode(pc.offer(5))
    return SignedConfig(body, key_id(pc.key), pc.key.sign(b"aitrading signal v1\0" + body))


@pytest.mark.parametrize(
    "made",
    [unsigned, by_a_stranger, in_anothers_name, changed, too_large, older, of_another_tenant, of_another_account,
     with_a_program, out_of_range, a_signal_instead],
)  # fmt: skip
def test_F18_any_other_document_is_left_and_the_last_good_settings_stay(pc: Pc, made) -> None:
    assert pc.drop(encode(sign_config(pc.offer(1), pc.key)))
    before = pc.versions.current()
    assert not pc.drop(encode(made(pc)))
    assert pc.versions.current() == before
    assert pc.offers.refused
    assert pc.drop(encode(sign_config(pc.offer(6, values={"poll_ms": 70}), pc.key)))
    assert pc.offers.refused == ""


def test_F18_every_cut_of_a_document_is_left(pc: Pc) -> None:
    document = encode(sign_config(pc.offer(), pc.key))
    for size in range(len(document)):
        assert not pc.offers.take(document[:size]), size
    assert pc.versions.all() == []


def test_F18_after_a_rotation_only_the_newer_key_counts(pc: Pc) -> None:
    newer = Ed25519PrivateKey.generate()
    keys = KeyList(1, NOW - 1, NOW + 10**9, (SignalKey(key_id(newer), public_text(newer), NOW - 1),), (key_id(pc.key),))
    pc.papers.keep_signal_keys(sign_list(keys, pc.rotation))
    assert not pc.drop(encode(sign_config(pc.offer(1), pc.key)))
    assert "revoked" in pc.offers.refused
    assert pc.drop(encode(sign_config(pc.offer(2), newer)))
