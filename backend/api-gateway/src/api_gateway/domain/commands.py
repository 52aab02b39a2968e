"""Commands: what a person may ask, the id that makes asking twice harmless, and the memory of keys used."""

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from api_gateway.domain.access import Caller
from api_gateway.domain.refusals import Refusal, invalid, refused
from contracts.commands import CommandBody, PauseTrading, PlaceOrder, ResumeTrading
from contracts.subjects import ACCOUNT, SYMBOL
from contracts.views import CommandRequest, OrderRequest
from kit.policy import Denied, Facts, State, command_action, decide

KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
KEPT_MS = 600_000
MAX_KEPT = 10_000
MAX_REASON = 200
MAX_LOTS = Decimal(1_000_000)
MAX_DECIMALS = 8
"""Of a volume in lots; brokers' steps have 3 at most."""
MAX_TICKET = 2**63 - 1

KEY_REFUSED = Refusal(
    422, "invalid_key", "Send the header Idempotency-Key: 8 to 64 letters, digits, '-' or '_', new for each command."
)
KEY_REUSED = Refusal(
    409, "key_reused", "This Idempotency-Key belongs to a different command. Use a new key for a new command."
)


def command_id(tenant: str, user: str, key: str) -> str:
    """The id of the command that this user means by this key: 32 hex digits, the same whenever it is asked."""
    text = "".join(f"{len(part)}:{part}" for part in (tenant, user, key))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def body_of(request: CommandRequest) -> CommandBody | Refusal:
    """The command that is meant, or why it is none."""
    if len(request.reason) > MAX_REASON:
        return invalid(f"The reason has at most {MAX_REASON} characters.")
    if request.kind == "place_order":
        return _order(request.order) if request.order else invalid("The command place_order needs an order.")
    if request.order is not None:
        return invalid("Only the command place_order takes an order.")
    if request.kind == "pause":
        return PauseTrading(request.reason)
    if request.kind == "resume":
        return ResumeTrading(request.reason)
    return invalid("The kind of a command is place_order, pause or resume.")


def _order(order: OrderRequest) -> PlaceOrder | Refusal:
    if ACCOUNT.fullmatch(order.account) is None or SYMBOL.fullmatch(order.symbol) is None:
        return invalid("The account or the symbol is not spelled as terminals spell theirs.")
    if not order.volume.is_finite() or not 0 < order.volume <= MAX_LOTS:
        return invalid("The volume is a positive number of lots.")
    exponent = order.volume.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_DECIMALS:
        return invalid(f"The volume has at most {MAX_DECIMALS} decimals.")
    if not 0 <= order.position <= MAX_TICKET:
        return invalid("The position is a ticket, or 0 to open a new one.")
    return PlaceOrder(order.account, order.symbol, order.side, order.volume, order.position)


def denied_command(caller: Caller, body: CommandBody, states: frozenset[State], now_ms: int) -> Refusal | None:
    """Why the policy denies this command to the caller now; None when it does not."""
    answer = decide(caller.subject(), command_action(body), caller.tenant, Facts(now_ms, False, states))
    return refused(answer) if isinstance(answer, Denied) else None


class Given(msgspec.Struct):
    """A command that was asked for. `stored` when the bus is known to have it."""

    body_hash: bytes
    given_ms: int
    stored: bool = False


@dataclass(slots=True)
class KeyMemory:
    """Which body each command id stood for, for ten minutes."""

    given: dict[str, Given] = field(default_factory=dict)
    """ command id -> what it was, oldest first """

    def note(self, identity: str, body: CommandBody, now_ms: int) -> Given | Refusal:
        """Note a command; the earlier note when it is a repetition, a refusal when the key meant something else."""
        while self.given:
            oldest = next(iter(self.given))
            if len(self.given) < MAX_KEPT and now_ms - self.given[oldest].given_ms < KEPT_MS:
                break
            del self.given[oldest]
        digest = hashlib.sha256(msgspec.msgpack.encode(body)).digest()
        known = self.given.setdefault(identity, Given(digest, now_ms))
        return known if known.body_hash == digest else KEY_REUSED
