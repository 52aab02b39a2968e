"""How the market stands: what a replay's files held and how much of it has been read, or whether live quotes come."""

from typing import Any

from mt5sim.feed import ReplayFeed
from mt5sim.live_feed import LiveFeed
from mt5sim.session import session


def replay_report() -> dict[str, Any]:
    """Counts of the loaded replay; an empty dict when the market is not a recording, or nothing is loaded.

    lines (without the header) = ticks + unparsable; first_bad_line counts from 1, header included, None = none;
    complaint says in words what is wrong with it; visible = ticks that have happened; delivered = ticks handed out by
    copy_ticks_*; finished = all have happened. These add up the recordings of all symbols, which `symbols` shows each.
    """
    with session.lock:
        terminal = session.loaded
        feeds = {} if terminal is None else terminal.feeds
        if terminal is not None and session.connected is terminal:
            terminal.advance()
        each = {symbol: _of(feed) for symbol, feed in feeds.items() if isinstance(feed, ReplayFeed)}
    if not each:
        return {}
    bad = next((report for report in each.values() if report["unparsable"]), {})
    counts = ("lines", "ticks", "unparsable", "visible", "delivered")
    return {
        **{name: sum(report[name] for report in each.values()) for name in counts},
        "first_bad_line": bad.get("first_bad_line"),
        "complaint": bad.get("complaint", ""),
        "finished": all(report["finished"] for report in each.values()),
        "symbols": each,
    }


def live_report() -> dict[str, Any]:
    """How the live source stands; an empty dict when the market is none.

    symbol, address; trouble = why no quotes come, in words, empty while they do; ended = not tried any more; quotes and
    connections so far; refused = reason -> messages that were no sound quotes.
    """
    with session.lock:
        feeds = {} if session.loaded is None else session.loaded.feeds
    for symbol, feed in feeds.items():
        if isinstance(feed, LiveFeed):
            stream = feed.stream
            return {
                "symbol": symbol,
                "address": stream.address,
                "trouble": stream.trouble,
                "ended": stream.ended,
                "quotes": stream.quotes,
                "connections": stream.connections,
                "refused": dict(stream.refused),
            }
    return {}


def _of(feed: ReplayFeed) -> dict[str, Any]:
    return {
        "lines": feed.file.lines,
        "ticks": len(feed.file.ticks),
        "unparsable": feed.file.unparsable,
        "first_bad_line": feed.file.first_bad_line,
        "complaint": feed.file.complaint,
        "visible": feed.visible,
        "delivered": feed.delivered,
        "finished": feed.finished,
    }
