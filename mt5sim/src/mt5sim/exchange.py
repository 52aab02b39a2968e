"""Binance's public best-price stream: which addresses may be asked, and which messages are quotes.

Source: github.com/binance/binance-spot-api-docs, web-socket-streams.md, "Individual Symbol Book Ticker Streams".
"""

import json
import re
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import NoReturn
from urllib.parse import urlsplit

from mt5sim.profiles import BUILT_IN, SymbolProfile

ADDRESS = "wss://data-stream.binance.vision/ws"
""" market data only: no user data can be asked for there """
HOSTS = {"data-stream.binance.vision": (None, 443, 9443), "stream.binance.com": (None, 443, 9443)}
""" the only hosts on the internet that are ever connected to, and their ports """
LOOPBACK = ("127.0.0.1", "localhost", "::1")
""" a relay or a test on this computer """
MOST_BYTES = 4_096
""" of one message; a quote has some 150 """
PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def _crypto(name: str, base: str, like: str, text: str) -> SymbolProfile:
    return replace(
        BUILT_IN[like], name=name, base=base, profit="USDT", margin="USDT", description=text, path=f"Crypto\\{name}"
    )


SYMBOLS: dict[str, SymbolProfile] = {
    "BTCUSDT": _crypto("BTCUSDT", "BTC", "BTCUSD", "Bitcoin vs Tether, live quotes of Binance"),
    "ETHUSDT": replace(
        _crypto("ETHUSDT", "ETH", "BTCUSD", "Ether vs Tether, live quotes of Binance"), price=3_000.0, volume_max=100.0
    ),
}
""" the pairs whose price has two digits there """


def address_mistake(address: str) -> str:
    """Why this address is not connected to; empty when it is."""
    wanted = f"use {ADDRESS}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return f"market.address is {address!r}: {wanted}"
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"market.address is {address!r}: write no user, question mark or fragment; {wanted}"
    if parts.scheme == "ws" and host in LOOPBACK:
        return ""
    if parts.scheme != "wss" or port not in HOSTS.get(host, ()):
        return f"market.address is {address!r}: only {', '.join(HOSTS)} may be asked, over wss; {wanted}"
    return ""


class Refused(ValueError):
    """A message that is no sound quote; the text is the reason, one of a few."""


def _no_number(text: str) -> NoReturn:
    raise Refused("no JSON")


@dataclass(slots=True)
class BookTicker:
    """Reads the messages of one symbol's stream, in the order they came."""

    profile: SymbolProfile
    newest: int = field(default=0)
    """ update number of the last quote """

    def read(self, message: str | bytes) -> tuple[float, float]:
        """Bid and ask. Raises Refused when the message is anything but a newer, sound quote of this symbol."""
        try:
            # NaN and Infinity are no JSON, though Python reads them
            body = json.loads(message, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise Refused("no JSON") from error
        if not isinstance(body, dict) or not {"u", "s", "b", "a"} <= body.keys():
            raise Refused("no quote")
        if body["s"] != self.profile.name:
            raise Refused("another symbol")
        update = body["u"]
        if type(update) is not int or not 0 < update < 2**63:
            raise Refused("no update number")
        bid, ask = self._price(body["b"]), self._price(body["a"])
        if bid > ask:
            raise Refused("crossed: bid above ask")
        if update <= self.newest:
            raise Refused("older than the last")
        self.newest = update
        return bid, ask

    def _price(self, text: object) -> float:
        """Binance writes prices as decimal strings: digits and a dot, so neither a minus nor NaN gets through."""
        if not isinstance(text, str) or not PRICE.fullmatch(text):
            raise Refused("no price")
        price = float(text)
        if not isfinite(price) or price <= 0:
            raise Refused("no price")
        if text.partition(".")[2].rstrip("0")[self.profile.digits :]:
            raise Refused(f"a price with more than {self.profile.digits} digits")
        return price
