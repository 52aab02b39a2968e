"""What symbol_info shows: the profile and the newest quote in 96 fields."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from mt5sim.profiles import SymbolProfile
from mt5sim.records import build
from mt5sim.snapshots import SymbolInfo
from mt5sim.terminal import Terminal

BOOK_LEVELS = 1
""" market_book_get shows the quote itself """
EMPTY = {"int": 0, "float": 0.0, "bool": False, "str": ""}


@cache
def _blank() -> Mapping[str, object]:
    """Every field at its empty value: what no simulated broker has to say about it."""
    kinds = {name: getattr(kind, "__name__", str(kind)) for name, kind in SymbolInfo.__annotations__.items()}
    return MappingProxyType({name: EMPTY[kind] for name, kind in kinds.items()})


def symbol_view(terminal: Terminal, name: str) -> SymbolInfo:
    profile = terminal.profiles[name]
    return build(SymbolInfo, **{**_blank(), **_contract(profile), **_prices(terminal, profile)})


def _contract(s: SymbolProfile) -> dict[str, object]:
    return {
        "name": s.name,
        "description": s.description,
        "path": s.path or s.name,
        "currency_base": s.base,
        "currency_profit": s.profit,
        "currency_margin": s.margin,
        "digits": s.digits,
        "point": s.point,
        "trade_tick_size": s.tick,
        "trade_contract_size": s.contract_size,
        "volume_min": s.volume_min,
        "volume_max": s.volume_max,
        "volume_step": s.volume_step,
        "volume_limit": s.volume_limit,
        "filling_mode": s.filling_mode,
        "expiration_mode": s.expiration_mode,
        "order_mode": s.order_mode,
        "trade_exemode": s.exemode,
        "trade_mode": s.trade_mode,
        "trade_calc_mode": s.calc_mode,
        "trade_stops_level": s.stops_level,
        "trade_freeze_level": s.freeze_level,
        "margin_initial": s.margin_initial,
        "margin_maintenance": s.margin_maintenance,
        "margin_hedged": s.margin_hedged,
        "margin_hedged_use_leg": s.margin_hedged_use_leg,
        "trade_face_value": s.face_value,
        "order_gtc_mode": s.order_gtc_mode,
        "swap_mode": s.swap_mode,
        "swap_long": s.swap_long,
        "swap_short": s.swap_short,
        "swap_rollover3days": s.swap_rollover3days,
        "spread_float": True,
        "ticks_bookdepth": BOOK_LEVELS,
        "bank": "mt5sim: simulated prices",
    }


def _prices(terminal: Terminal, s: SymbolProfile) -> dict[str, object]:
    shown = s.name in terminal.selected
    prices: dict[str, object] = {"select": shown, "visible": shown}
    feed = terminal.feeds.get(s.name)
    if feed is None or not feed.visible:
        return prices
    time, bid, ask, last, volume, _, _, volume_real = feed.tape.row(feed.last_index())
    prices |= {"time": time, "bid": bid, "ask": ask, "last": last, "volume": volume, "volume_real": volume_real}
    quote = terminal.quote(s.name)
    if quote is not None:
        prices["spread"] = round((quote.ask - quote.bid) / s.point)
        gain = s.tick_worth
        won = terminal.valuation.convert(gain, s.profit, terminal.config.account.currency)
        lost = terminal.valuation.convert(-gain, s.profit, terminal.config.account.currency)
        prices["trade_tick_value"] = prices["trade_tick_value_profit"] = won or 0.0
        prices["trade_tick_value_loss"] = -(lost or 0.0)
    return prices
