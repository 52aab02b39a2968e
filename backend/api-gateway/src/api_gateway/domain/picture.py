"""The live picture of one tenant: its accounts and quotes as the bus tells them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from api_gateway.domain.market import Board, Key
from contracts.accounts import AccountState, Instrument
from contracts.rpc import SymbolRow
from contracts.views import SymbolView

_UNKNOWN = Decimal(0)


@dataclass(slots=True)
class Picture:
    """What is known of a tenant without asking anyone."""

    board: Board = field(default_factory=Board)
    accounts: dict[str, AccountState] = field(default_factory=dict)
    """ account -> its newest state """
    instruments: dict[Key, Instrument] = field(default_factory=dict)
    """ (account, symbol) -> its contract """

    def recall_account(self, state: AccountState) -> None:
        """Note a stored state, unless the account was heard already: what was heard is newer than any store."""
        if state.account not in self.accounts:
            self.hear_account(state)

    def hear_account(self, state: AccountState) -> None:
        """Note a state from the bus. It is the newest whatever its stamp says: a terminal's clock may be set back."""
        known = self.accounts.get(state.account)
        self.accounts[state.account] = state
        if known is None or known.instruments != state.instruments:
            self.instruments.update({(state.account, i.symbol): i for i in state.instruments})

    def symbols(self, stored: Iterable[SymbolRow]) -> tuple[SymbolView, ...]:
        """The watch list: stored symbols with newer live quotes, and symbols that the store has not seen yet.

        A symbol is left out while its account's state is unknown: nobody could say whether its prices are real.
        """
        rows = {(row.account, row.symbol): row for row in stored}
        views = (self._symbol(key, rows.get(key)) for key in sorted(rows.keys() | self.board.quotes.keys()))
        return tuple(view for view in views if view is not None)

    def _symbol(self, key: Key, row: SymbolRow | None) -> SymbolView | None:
        state, instrument, quote = self.accounts.get(key[0]), self.instruments.get(key), self.board.quotes.get(key)
        if state is None or (instrument is None and row is None):
            return None
        digits = instrument.digits if instrument else row.digits if row else 0
        newest = quote if quote is not None and (row is None or quote.time_msc >= row.time_msc) else row
        assert newest is not None, "a line comes from the store or from the bus"
        return SymbolView(
            account=key[0],
            symbol=key[1],
            description=instrument.description if instrument else "",
            digits=digits,
            point=instrument.point if instrument else 10.0**-digits,
            bid=newest.bid,
            ask=newest.ask,
            time_msc=newest.time_msc,
            received_ms=newest.received_ms,
            # the store counts what it has; a live number that is higher proves more
            ticks=max(row.ticks if row else 0, quote.seq if quote else 0),
            source=state.source,
            volume_min=instrument.volume_min if instrument else _UNKNOWN,
            volume_max=instrument.volume_max if instrument else _UNKNOWN,
            volume_step=instrument.volume_step if instrument else _UNKNOWN,
        )
