"""What the engine counts while it works; the metrics read it, nothing else does."""

from dataclasses import dataclass, field

from contracts.orders import Order


@dataclass(slots=True)
class Counts:
    """Since the start of the process."""

    events: int = 0
    ticks: int = 0
    ticks_known: int = 0
    """Ticks that came again and were left out."""
    ticks_missed: int = 0
    """Numbers that a stream jumped over; the store gets them later, a strategy does not."""
    proposals: int = 0
    proposals_on_old_ticks: int = 0
    """Proposals that strategies made on history or on ticks that came too late; no order was made of them."""
    refused: dict[str, int] = field(default_factory=dict)
    """ refusal code -> count """
    orders: dict[str, int] = field(default_factory=dict)
    """ state -> how many orders came into it """
    newest_received_ms: int = 0
    """The connector's stamp on the newest tick worked on."""
    contradictions: int = 0
    """Executions that no order fits or that the table of moves does not allow."""

    strategies_failed: int = 0
    """Strategies taken off a symbol because of an error of their own."""

    def order(self, order: Order) -> None:
        """An order came into its state."""
        self.orders[order.state] = self.orders.get(order.state, 0) + 1
