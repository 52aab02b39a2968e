"""Commands: what a person asks of the platform. They are requests; what came of them is an order or an audit record."""

from decimal import Decimal

import msgspec

from contracts.accounts import Side


class PlaceOrder(msgspec.Struct, frozen=True, tag="place_order"):
    """A person's market order."""

    account: str
    symbol: str
    side: Side
    volume: Decimal
    position: int = 0


class PauseTrading(msgspec.Struct, frozen=True, tag="pause"):
    """No new risk for the tenant until `ResumeTrading`."""

    reason: str


class ResumeTrading(msgspec.Struct, frozen=True, tag="resume"):
    """Take new risk again."""

    reason: str


class LimitsChanged(msgspec.Struct, frozen=True, tag="limits_changed"):
    """The store has other risk limits than before: read them. The command itself changes none."""

    account: str


CommandBody = PlaceOrder | PauseTrading | ResumeTrading | LimitsChanged


class Seal(msgspec.Struct, frozen=True):
    """What the gateway vouches for: the person's role, when they last proved who they are, and what an API key was
    made for (None: a session). `signature` is over the whole command."""

    role: str
    auth_ms: int
    scopes: tuple[str, ...] | None = None
    signature: bytes = b""


class Command(msgspec.Struct, frozen=True):
    """A command with who gave it and when. `id` is chosen by the asker: the same id twice is one command."""

    id: str
    tenant: str
    given_by: str
    given_ms: int
    body: CommandBody
    correlation_id: str = ""
    seal: Seal | None = None
    """Without one nobody carries it out."""
