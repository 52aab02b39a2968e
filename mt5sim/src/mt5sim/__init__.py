"""A drop-in `MetaTrader5` module for any OS: a simulated terminal with replayed or generated ticks."""

from mt5sim.api_quotes import copy_rates_from as copy_rates_from
from mt5sim.api_quotes import copy_rates_from_pos as copy_rates_from_pos
from mt5sim.api_quotes import copy_rates_range as copy_rates_range
from mt5sim.api_quotes import copy_ticks_from as copy_ticks_from
from mt5sim.api_quotes import copy_ticks_range as copy_ticks_range
from mt5sim.api_quotes import market_book_add as market_book_add
from mt5sim.api_quotes import market_book_get as market_book_get
from mt5sim.api_quotes import market_book_release as market_book_release
from mt5sim.api_quotes import symbol_info as symbol_info
from mt5sim.api_quotes import symbol_info_tick as symbol_info_tick
from mt5sim.api_quotes import symbol_select as symbol_select
from mt5sim.api_quotes import symbols_get as symbols_get
from mt5sim.api_quotes import symbols_total as symbols_total
from mt5sim.api_terminal import account_info as account_info
from mt5sim.api_terminal import initialize as initialize
from mt5sim.api_terminal import last_error as last_error
from mt5sim.api_terminal import load as load
from mt5sim.api_terminal import login as login
from mt5sim.api_terminal import shutdown as shutdown
from mt5sim.api_terminal import terminal_info as terminal_info
from mt5sim.api_terminal import version as version
from mt5sim.api_trade import history_deals_get as history_deals_get
from mt5sim.api_trade import history_deals_total as history_deals_total
from mt5sim.api_trade import history_orders_get as history_orders_get
from mt5sim.api_trade import history_orders_total as history_orders_total
from mt5sim.api_trade import order_calc_margin as order_calc_margin
from mt5sim.api_trade import order_calc_profit as order_calc_profit
from mt5sim.api_trade import order_check as order_check
from mt5sim.api_trade import order_send as order_send
from mt5sim.api_trade import orders_get as orders_get
from mt5sim.api_trade import orders_total as orders_total
from mt5sim.api_trade import positions_get as positions_get
from mt5sim.api_trade import positions_total as positions_total
from mt5sim.chance import Execution as Execution
from mt5sim.config import Account as Account
from mt5sim.config import ConfigError as ConfigError
from mt5sim.config import TerminalConfig as TerminalConfig
from mt5sim.config_json import parse_config as parse_config
from mt5sim.config_json import read_config as read_config
from mt5sim.constants import *  # noqa: F403 (the package has its 223 constants at top level)
from mt5sim.knobs import Faults as Faults
from mt5sim.knobs import faults as faults
from mt5sim.markets import Generator as Generator
from mt5sim.markets import Live as Live
from mt5sim.markets import Replay as Replay
from mt5sim.profiles import BUILT_IN as BUILT_IN
from mt5sim.profiles import SymbolProfile as SymbolProfile
from mt5sim.replay_report import live_report as live_report
from mt5sim.replay_report import replay_report as replay_report
from mt5sim.shortcuts import Buy as Buy
from mt5sim.shortcuts import Close as Close
from mt5sim.shortcuts import Sell as Sell
from mt5sim.snapshots import AccountInfo as AccountInfo
from mt5sim.snapshots import SymbolInfo as SymbolInfo
from mt5sim.snapshots import TerminalInfo as TerminalInfo
from mt5sim.structs import BookInfo as BookInfo
from mt5sim.structs import OrderCheckResult as OrderCheckResult
from mt5sim.structs import OrderSendResult as OrderSendResult
from mt5sim.structs import Tick as Tick
from mt5sim.structs import TradeDeal as TradeDeal
from mt5sim.structs import TradeOrder as TradeOrder
from mt5sim.structs import TradePosition as TradePosition
from mt5sim.structs import TradeRequest as TradeRequest

__author__ = "mt5sim contributors"
__version__ = "0.1.0"
