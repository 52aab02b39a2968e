"""The table of lying tokens against `kit.tokens`: nothing gets past it, and nothing costs it time."""

import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from token_corpus import FAULTS, LEAST, Forge, lies

from kit.errors import TokenRefused
from kit.keys import key_id
from kit.tokens import mint, verify

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY): KEY.public_key()}
NOW = 1_700_000_000
LIFE_S = 900
CPU_LIMIT_S = 0.02
"""The row says 5 ms; here the median of three tries is held to 20 ms, since the machine may be busy."""


def forge(kind: str = "access+jwt", audience: str = "api-gateway") -> Forge:
    token = mint(KEY, kind, audience, "ann", NOW, LIFE_S, tenant="default", role="viewer")
    return Forge(token, KEY, NOW, LIFE_S, "http://127.0.0.1:9")


def accepted(token: str, kind: str, audience: str) -> bool:
    try:
        verify(token, KEYS, kind, audience, NOW, LIFE_S)
    except TokenRefused:
        return False
    return True


def all_refused(fault: str, counted: Callable[[int, int], None], kind: str = "access+jwt") -> None:
    audience = {"access+jwt": "api-gateway", "terminal+jwt": "data-bridge", "service+jwt": "database-service"}[kind]
    forged = forge(kind, audience)
    assert accepted(forged.genuine, kind, audience), "the truth must get in, or refusing proves nothing"
    found = lies(forged, fault)
    got_in = [lie.name for lie in found if accepted(lie.token, kind, audience)]
    assert got_in == []
    counted(len(found), LEAST[fault])


def test_T01_no_algorithm_but_ours_is_accepted(counted: Callable[[int, int], None]) -> None:
    all_refused("T01", counted)


def test_T02_our_public_key_is_nobodys_hmac_secret(counted: Callable[[int, int], None]) -> None:
    all_refused("T02", counted)


def test_T03_a_key_that_the_token_brings_along_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T03", counted)


def test_T04_a_key_id_is_looked_up_and_never_followed(counted: Callable[[int, int], None]) -> None:
    all_refused("T04", counted)


def test_T05_a_life_that_ended_or_is_too_long_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T05", counted)


def test_T06_a_token_from_the_future_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T06", counted)


def test_T07_a_token_for_another_audience_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T07", counted)


@pytest.mark.parametrize("kind", ["access+jwt", "terminal+jwt", "service+jwt"])
def test_T08_a_token_of_another_kind_is_refused(kind: str, counted: Callable[[int, int], None]) -> None:
    all_refused("T08", counted, kind)


def test_T09_a_name_that_stands_twice_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T09", counted)


def test_T10_size_depth_encryption_and_compression_are_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T10", counted)


def test_T10_no_lie_costs_much_time(counted: Callable[[int, int], None]) -> None:
    slow, found = [], lies(forge(), *(fault for fault in FAULTS if fault != "T11"))
    for lie in found:
        took = []
        for _ in range(3):
            started = time.process_time()
            accepted(lie.token, "access+jwt", "api-gateway")
            took.append(time.process_time() - started)
        if sorted(took)[1] > CPU_LIMIT_S:
            slow.append((lie.fault, lie.name, sorted(took)[1]))
    assert slow == []
    counted(len(found), 250)


def test_T11_every_flipped_bit_and_every_other_spelling_is_refused(counted: Callable[[int, int], None]) -> None:
    all_refused("T11", counted)
