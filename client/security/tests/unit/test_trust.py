"""Only a fresh signal of a pinned key for this account is believed."""

import math
import time
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client_security.domain.enrolment import EnrolmentRefused, parse
from client_security.domain.signal_keys import SignalKeys
from client_security.domain.verification import Trust, authentic, in_time
from client_security.testing import enrolment_of
from contracts.accounts import Side
from contracts.signals import Signal, magic_of, short_id
from kit.keys import key_id, public_text
from kit.signing import sign
from kit.testing.pki import TestAuthority

KEY = Ed25519PrivateKey.generate()
NOW = time.time_ns() // 1_000_000
TRUST = Trust("default", "1000001", SignalKeys({key_id(KEY): KEY.public_key()}), NOW - 60_000)
ID = "0123456789abcdef" * 2


def signal(**change: object) -> Signal:
    base = Signal(
        ID, "o1", "default", "1000001", "s", 1, NOW, NOW + 4_000, "EURUSD", Side.BUY, Decimal("0.1"), 0, 1.1, 10,
        magic_of(ID), short_id(ID),
    )  # fmt: skip
    return msgspec.structs.replace(base, **change)


def verdict(signed, now_ms: int = NOW + 10, trust: Trust = TRUST) -> str:
    found = authentic(signed, trust, now_ms)
    refusal = in_time(found, trust, now_ms) if isinstance(found, Signal) else found
    return refusal.code if refusal else ""


def test_a_true_signal_is_believed() -> None:
    assert authentic(sign(signal(), KEY), TRUST, NOW) == signal()


def test_every_flipped_bit_of_payload_and_signature_is_noticed() -> None:
    signed = sign(signal(), KEY)
    for name in ("payload", "signature"):
        data = getattr(signed, name)
        for place in range(len(data) * 8):
            changed = bytearray(data)
            changed[place // 8] ^= 1 << place % 8
            assert verdict(msgspec.structs.replace(signed, **{name: bytes(changed)})) == "bad_signature"


def test_a_key_that_is_not_pinned_is_unknown() -> None:
    assert verdict(sign(signal(), Ed25519PrivateKey.generate())) == "unknown_key"


@pytest.mark.parametrize("change", [{"account": "2"}, {"tenant": "other"}])
def test_a_signal_for_somebody_else_is_refused(change) -> None:
    assert verdict(sign(signal(**change), KEY)) == "wrong_account"


def test_the_envelope_must_say_what_the_letter_says() -> None:
    assert verdict(msgspec.structs.replace(sign(signal(), KEY), expires_ms=NOW + 60_000)) == "malformed"


@pytest.mark.parametrize(
    "change", [{"comment": "x"}, {"magic": 5}, {"id": "short"}, {"id": "Z" * 32}, {"comment": short_id("f" * 32)}]
)
def test_a_signal_that_could_not_be_found_again_is_malformed(change) -> None:
    assert verdict(sign(signal(**change), KEY)) == "malformed"


@pytest.mark.parametrize(
    "change",
    [{"volume": Decimal(v)} for v in ("NaN", "-Infinity")] + [{"price": float("nan")}, {"sl": math.inf}],
)
def test_a_signal_whose_figures_are_not_numbers_is_malformed(change) -> None:
    assert verdict(sign(signal(**change), KEY)) == "malformed"


@pytest.mark.parametrize(
    ("now", "code"), [(3_999, ""), (4_000, "expired"), (600_000, "expired"), (-1_000, ""), (-1_001, "lives_too_long")]
)
def test_life_ends_at_its_millisecond_and_a_second_of_skew_is_forgiven(now, code) -> None:
    assert verdict(sign(signal(), KEY), NOW + now) == code


def test_a_signal_that_claims_a_long_life_is_refused() -> None:
    assert verdict(sign(signal(expires_ms=NOW + 5_001), KEY)) == "lives_too_long"
    assert verdict(sign(signal(expires_ms=NOW + 5_000), KEY)) == ""


def test_a_signal_from_before_this_journal_began_is_a_replay() -> None:
    assert verdict(sign(signal(), KEY), trust=msgspec_replace(since_ms=NOW + 1)) == "replayed"
    # also long after its life: a client that has lost its memory can't say that it was not executed
    assert verdict(sign(signal(), KEY), NOW + 600_000, msgspec_replace(since_ms=NOW + 1)) == "replayed"


def msgspec_replace(**change: object) -> Trust:
    from dataclasses import replace

    return replace(TRUST, **change)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return TestAuthority(tmp_path_factory.mktemp("server"))


def enrolment(authority, **change: object) -> bytes:
    server = str(change.pop("server", "wss://trade.example.org:8001/terminal"))
    return msgspec.json.encode(enrolment_of(authority, server, KEY, **change))


def test_a_good_enrolment_gives_the_pinned_keys(authority) -> None:
    assert list(parse(enrolment(authority)).pinned()) == [key_id(KEY)]


@pytest.mark.parametrize(
    "change",
    [
        {"server": "https://127.0.0.1"},
        {"server": "ws://127.0.0.1:8001/terminal"},
        {"server": "wss://[broken"},
        {"server": "wss://host:port/terminal"},
        {"tenant": "No Tenant"},
        {"account": ""},
        {"terminal": ""},
        {"ca": ""},
        {"pins": []},
        {"pins": ["sha256/short"]},
        {"rotation_key": "zz"},
        {"signal_keys": {}},
        {"signal_keys": {"0" * 16: public_text(KEY)}},
        {"signal_keys": {key_id(KEY): "zz"}},
        {"extra": 1},
        {"issued_ms": "x"},
    ],
)
def test_a_wrong_enrolment_is_refused_in_words(authority, change) -> None:
    with pytest.raises(EnrolmentRefused, match="enrolment"):
        parse(enrolment(authority, **change))


def test_an_enrolment_of_an_older_server_says_that_a_new_one_is_needed(authority) -> None:
    with pytest.raises(EnrolmentRefused, match="older version"):
        parse(enrolment(authority, token="a.b.c", ca="", terminal=""))


def test_bytes_that_are_no_enrolment_are_refused() -> None:
    with pytest.raises(EnrolmentRefused):
        parse(b"\xff\x00")
