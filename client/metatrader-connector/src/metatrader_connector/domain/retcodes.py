"""What the terminal's answers mean: done, refused for good, or unknown until the broker's books were searched."""

from enum import Enum


class Meaning(Enum):
    """The three classes of an answer."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


DONE, PARTIAL, PLACED = 10009, 10010, 10008
UNKNOWN_CODES = frozenset({10008, 10011, 10012, 10028, 10031})
"""Placed but not filled, error while processing, timeout, locked, no connection: the order may be on its way."""

SENTENCES: dict[int, str] = {
    10004: "the price changed (requote); nothing was executed",
    10006: "the broker rejected the order",
    10007: "the order was cancelled in the terminal",
    10013: "the broker says the request is invalid",
    10014: "the broker does not take this volume",
    10015: "the broker does not take this price",
    10016: "stop loss or take profit are too close to the price, or on its wrong side",
    10017: "trading this symbol is disabled by the broker",
    10018: "the market is closed",
    10019: "there is not enough free margin",
    10020: "the price changed before the order arrived",
    10021: "there is no price for this symbol now",
    10022: "the broker says the order's expiry is invalid",
    10024: "the broker says there are too many requests; slow down",
    10025: "the order changes nothing",
    10026: "automated trading is disabled by the broker",
    10027: "the AutoTrading button is off in MT5; switch it on",
    10029: "the position is frozen: its price is too close to the market",
    10030: "the broker does not take this filling mode",
    10033: "the broker's limit of pending orders is reached",
    10034: "the broker's volume limit for this symbol is reached",
    10035: "the broker does not take this kind of order",
    10036: "the position has been closed already",
    10038: "the volume to close is larger than the position",
    10039: "an order to close this position exists already",
    10040: "the broker's limit of open positions is reached",
    10042: "this symbol may only be bought",
    10043: "this symbol may only be sold",
    10044: "positions of this symbol may only be closed",
    10045: "the broker wants positions closed in the order in which they were opened (FIFO)",
}
""" retcode -> what to tell a person """

LOCAL_ERRORS: dict[int, str] = {
    -2: "the terminal does not understand the request",
    -4: "the terminal does not know the symbol",
    -8: "MT5 is set to refuse orders from Python; allow them under Tools, Options, Expert Advisors",
    -10004: "the terminal was not connected",
}
""" last_error with which order_send certainly sent nothing -> what to tell a person """


def meaning(retcode: int, error: int) -> Meaning:
    """Class of an answer: `retcode` of the result, or 0 with MT5's last_error when there was no result."""
    if retcode in (DONE, PARTIAL):
        return Meaning.DONE
    if retcode == 0:
        return Meaning.REFUSED if error in LOCAL_ERRORS else Meaning.UNKNOWN
    # a code this table does not know may be a newer one: never guess that nothing happened
    return Meaning.REFUSED if retcode in SENTENCES else Meaning.UNKNOWN


def sentence(retcode: int, error: int, text: str) -> str:
    """One sentence for a person."""
    if retcode == 0:
        return f"{LOCAL_ERRORS.get(error, 'the terminal gave no answer')} ({error}: {text})"
    return SENTENCES.get(retcode, f"the terminal answered {retcode}") + f" ({retcode})"
