"""The seal of a command: only what the gateway vouched for is carried out, and only what the policy allows."""

from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.accounts import Side
from contracts.codec import decode, encode
from contracts.commands import Command, CommandBody, PauseTrading, PlaceOrder, ResumeTrading, Seal
from kit.errors import SignatureRefused
from kit.keys import key_id
from kit.policy import State, Subject
from kit.seals import denied, giver_of, sealed

KEY = Ed25519PrivateKey.generate()
KEYS = {key_id(KEY): KEY.public_key()}
NOW_MS = 1_700_000_000_000
ORDER = PlaceOrder("1", "EURUSD", Side.BUY, Decimal("0.1"))


def given(body: CommandBody = ORDER, role: str = "trader", scopes: frozenset[str] | None = None) -> Command:
    command = Command("c1", "default", "ann", NOW_MS, body, "corr")
    return sealed(command, Subject("ann", "default", role, NOW_MS, scopes), KEY)


def code(command: Command) -> str:
    with pytest.raises(SignatureRefused) as refused:
        giver_of(command, KEYS)
    return refused.value.code


def test_a_sealed_command_tells_who_gave_it_also_after_the_wire() -> None:
    giver = giver_of(decode(encode(given()), Command), KEYS)
    assert giver == Subject("ann", "default", "trader", NOW_MS, None)
    key = giver_of(given(scopes=frozenset({"orders.place"})), KEYS)
    assert key.scopes == {"orders.place"}


def test_a_command_without_a_seal_is_refused() -> None:
    assert code(msgspec.structs.replace(given(), seal=None)) == "no_seal"


def test_T03_a_command_sealed_by_another_key_is_refused() -> None:
    other = sealed(given(), Subject("ann", "default", "trader"), Ed25519PrivateKey.generate())
    assert code(other) == "bad_seal"


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "other"},
        {"given_by": "bob"},
        {"given_ms": NOW_MS + 1},
        {"id": "c2"},
        {"body": PlaceOrder("1", "EURUSD", Side.BUY, Decimal("1"))},
        {"body": ResumeTrading("")},
        {"correlation_id": ""},
    ],
)
def test_T11_a_command_that_was_changed_after_its_seal_is_refused(change: dict[str, object]) -> None:
    assert code(msgspec.structs.replace(given(), **change)) == "bad_seal"  # type: ignore[arg-type]


def test_nobody_raises_a_role_a_proof_or_a_scope_inside_of_a_seal() -> None:
    command = given(scopes=frozenset({"orders.close"}))
    assert command.seal is not None
    for seal in (
        msgspec.structs.replace(command.seal, role="admin"),
        msgspec.structs.replace(command.seal, auth_ms=NOW_MS + 1),
        msgspec.structs.replace(command.seal, scopes=None),
        Seal("trader", NOW_MS, ("orders.close",)),
    ):
        assert code(msgspec.structs.replace(command, seal=seal)) == "bad_seal"


@pytest.mark.parametrize(
    ("body", "role", "expected"),
    [
        (ORDER, "trader", ""),
        (ORDER, "viewer", "role"),
        (ORDER, "risk_manager", "role"),
        (ORDER, "auditor", "role"),
        (msgspec.structs.replace(ORDER, position=7), "risk_manager", ""),
        (PauseTrading(""), "risk_manager", ""),
        (PauseTrading(""), "viewer", "role"),
        (ResumeTrading(""), "trader", ""),
    ],
)
def test_the_policy_judges_the_giver_once_more(body: CommandBody, role: str, expected: str) -> None:
    command = given(body, role)
    found = denied(command, giver_of(command, KEYS))
    assert (found.code if found else "") == expected


def test_an_old_proof_opens_no_position_with_real_money() -> None:
    command = Command("c1", "default", "ann", NOW_MS, ORDER)
    command = sealed(command, Subject("ann", "default", "trader", NOW_MS - 3_600_001), KEY)
    giver = giver_of(command, KEYS)
    assert denied(command, giver) is None
    found = denied(command, giver, frozenset({State.ACCOUNT_LIVE}))
    assert found is not None
    assert found.code == "step_up_needed"
