"""The strategies that can be named in the settings."""

from trading_engine.domain.strategies.ma_cross import MaCross
from trading_engine.domain.strategy import Strategy

STRATEGIES: dict[str, type[Strategy]] = {MaCross.name: MaCross}
""" name in the settings -> its class """
