"""Notice that prices have stopped although the market is open. A weekend or a daily break is no fault."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from metatrader_connector.domain.hours import BROKER, Hours, hours_of, minute_of_week

WEEKDAYS = hours_of(("Mon-Fri 00:00-24:00",))
"""What a market is taken for when nobody said otherwise, by the broker's clock, whose week begins on Monday."""
ROUND_THE_CLOCK = "24/7"


def sessions_of(lines: Iterable[str]) -> dict[str, Hours]:
    """symbol -> sessions, from `XAUUSD=Mon-Fri 01:00-23:57` or `BTCUSD=24/7`; a symbol may have several lines.
    ValueError says which can't be read."""
    found: dict[str, list[str]] = {}
    for line in lines:
        symbol, sign, text = line.partition("=")
        if not sign or not symbol.strip():
            raise ValueError(f"{line!r}: write sessions like `XAUUSD=Mon-Fri 01:00-23:57`")
        every = text.strip() == ROUND_THE_CLOCK
        found.setdefault(symbol.strip(), []).append("Mon-Sun 00:00-24:00" if every else text)
    return {symbol: hours_of(texts) for symbol, texts in found.items()}


@dataclass(slots=True)
class FeedWatch:
    """Tell it of every quote; ask `stale` for what is silent. `sessions`: those that are known, by the broker's clock.

    Whoever learns a symbol's sessions later (the broker's own, from the EA) may put them in.
    """

    broker_zone: str
    stale_after_ms: int
    sessions: dict[str, Hours] = field(default_factory=dict)
    heard_ms: dict[str, int] = field(default_factory=dict)
    """ symbol -> when its newest quote came, UTC ms """
    since_ms: int = 0
    """When listening began; before a first quote a symbol is silent since then."""

    def heard(self, symbol: str, now_ms: int) -> None:
        """A quote came."""
        self.heard_ms[symbol] = now_ms

    def begin(self, now_ms: int) -> None:
        """The terminal was opened: what came before says nothing."""
        self.since_ms = now_ms

    def closed(self, symbol: str, now_ms: int) -> bool:
        """Whether the symbol's market is closed for certain; never said of one whose sessions nobody told."""
        hours = self.sessions.get(symbol)
        return hours is not None and not hours.open_at(minute_of_week(BROKER, self.broker_zone, now_ms))

    def stale(self, symbols: Iterable[str], now_ms: int) -> Mapping[str, int]:
        """symbol -> ms of silence, of those that are silent for too long while their market is open."""
        minute = minute_of_week(BROKER, self.broker_zone, now_ms)
        found = {}
        for symbol in symbols:
            open_ms = self.sessions.get(symbol, WEEKDAYS).open_for(minute) * 60_000
            silent_ms = min(now_ms - max(self.heard_ms.get(symbol, 0), self.since_ms), open_ms)
            if silent_ms >= self.stale_after_ms:
                found[symbol] = silent_ms
        return found


def stale_words(stale: Mapping[str, int], watched: int) -> str:
    """What to tell: that the whole feed stands still, or which symbols; empty when none does."""
    if not stale:
        return ""
    longest_s = max(stale.values()) // 1_000
    if len(stale) == watched:
        return (
            f"no price of any symbol has come for {longest_s} s although the market is open; "
            "look whether MT5 shows moving prices (a holiday looks the same)"
        )
    return f"no price has come for {longest_s} s although the market is open: {', '.join(sorted(stale))}"
