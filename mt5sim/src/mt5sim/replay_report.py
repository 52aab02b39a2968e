"""How a replay stands: what the file held and how much of it has been read."""

from mt5sim.feed import ReplayFeed
from mt5sim.session import session


def replay_report() -> dict[str, int | bool | None]:
    """Counts of the loaded replay; an empty dict when the market is generated or nothing is loaded.

    lines (without the header) = ticks + unparsable; first_bad_line counts from 1, header included, None = none;
    visible = ticks that have happened; delivered = ticks handed out by copy_ticks_*; finished = all have happened.
    """
    with session.lock:
        terminal = session.loaded
        feeds = [] if terminal is None else list(terminal.feeds.values())
        for feed in feeds:
            if isinstance(feed, ReplayFeed):
                if terminal is not None and session.connected is terminal:
                    terminal.advance()
                return {
                    "lines": feed.file.lines,
                    "ticks": len(feed.file.ticks),
                    "unparsable": feed.file.unparsable,
                    "first_bad_line": feed.file.first_bad_line,
                    "visible": feed.visible,
                    "delivered": feed.delivered,
                    "finished": feed.finished,
                }
        return {}
