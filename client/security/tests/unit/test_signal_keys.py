"""Only the offline key may name new signal keys, never back, at most two."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.domain.refusal import Refusal
from client_security.domain.signal_keys import SignalKeys
from contracts.rotation import KeyList, SignalKey, SignedKeyList
from kit.key_lists import sign_list
from kit.keys import key_id, public_text

OFFLINE, OLD, NEW = (Ed25519PrivateKey.generate() for _ in range(3))
NOW = 1_700_000_000_000


def named(key: Ed25519PrivateKey, from_ms: int = 0, until_ms: int = 0) -> SignalKey:
    return SignalKey(key_id(key), public_text(key), from_ms, until_ms)


LIST = KeyList(1, NOW, NOW + 1_000, (named(OLD, 0, NOW + 500), named(NEW, NOW + 100)))


@pytest.fixture
def keys() -> SignalKeys:
    return SignalKeys({key_id(OLD): OLD.public_key()}, OFFLINE.public_key())


def code(found: object) -> str:
    return found.code if isinstance(found, Refusal) else ""


def test_until_the_first_list_the_enrolments_keys_count(keys) -> None:
    assert list(keys.live(NOW)) == [key_id(OLD)]
    assert not keys.revoked(key_id(OLD))


def test_each_key_counts_in_its_own_time(keys) -> None:
    assert keys.adopt(sign_list(LIST, OFFLINE), NOW) == LIST
    assert [set(keys.live(NOW + at)) for at in (0, 100, 499, 500)] == [
        {key_id(OLD)}, {key_id(OLD), key_id(NEW)}, {key_id(OLD), key_id(NEW)}, {key_id(NEW)},
    ]  # fmt: skip


def test_whoever_has_a_signal_key_only_can_not_name_another(keys) -> None:
    for thief in (OLD, NEW):
        assert code(keys.adopt(sign_list(LIST, thief), NOW)) == "bad_signature"
    assert keys.newest is None


def test_every_flipped_bit_is_noticed(keys) -> None:
    signed = sign_list(LIST, OFFLINE)
    for name in ("body", "signature"):
        data = getattr(signed, name)
        for place in range(0, len(data) * 8, 7):
            changed = bytearray(data)
            changed[place // 8] ^= 1 << place % 8
            assert code(keys.adopt(msgspec.structs.replace(signed, **{name: bytes(changed)}), NOW)) == "bad_signature"


def test_no_list_goes_back_and_the_same_one_again_changes_nothing(keys) -> None:
    second = msgspec.structs.replace(LIST, version=2)
    assert keys.adopt(sign_list(second, OFFLINE), NOW) == second
    assert keys.adopt(sign_list(second, OFFLINE), NOW) == second
    assert code(keys.adopt(sign_list(LIST, OFFLINE), NOW)) == "old_keys"
    other = msgspec.structs.replace(second, keys=(named(NEW),))
    assert code(keys.adopt(sign_list(other, OFFLINE), NOW)) == "old_keys"


def test_an_expired_list_is_not_taken_but_one_that_was_kept_still_counts(keys) -> None:
    signed = sign_list(LIST, OFFLINE)
    assert code(keys.adopt(signed, NOW + 1_000)) == "expired"
    assert keys.adopt(signed, NOW + 1_000, kept=True) == LIST


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": ()},
        {"keys": (named(OLD), named(NEW), named(OFFLINE))},
        {"keys": (named(OLD), named(OLD))},
        {"keys": (SignalKey("0" * 16, public_text(NEW), 0),)},
        {"keys": (SignalKey("0" * 16, "zz", 0),)},
        {"revoked": (key_id(NEW),)},
    ],
)
def test_a_list_that_makes_no_sense_is_refused_although_it_is_signed(keys, wrong) -> None:
    assert code(keys.adopt(sign_list(msgspec.structs.replace(LIST, **wrong), OFFLINE), NOW)) == "malformed"


def test_a_signed_text_that_is_no_list_is_refused(keys) -> None:
    from contracts.rotation import ROTATION_CONTEXT

    body = b"[[[["
    assert code(keys.adopt(SignedKeyList(body, OFFLINE.sign(ROTATION_CONTEXT + body)), NOW)) == "malformed"


def test_without_a_rotation_key_only_a_new_enrolment_changes_keys() -> None:
    keys = SignalKeys({key_id(OLD): OLD.public_key()})
    assert code(keys.adopt(sign_list(LIST, OFFLINE), NOW)) == "no_rotation_key"
