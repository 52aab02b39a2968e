"""What order_check and order_send answer, and what account_info shows."""

from mt5sim import constants as c
from mt5sim.config import MARGIN_MODES, STOP_OUT_MODES, TRADE_MODES
from mt5sim.markets import company_of
from mt5sim.records import build
from mt5sim.retcodes import text
from mt5sim.snapshots import AccountInfo
from mt5sim.structs import OrderCheckResult, OrderSendResult, TradeRequest
from mt5sim.terminal import Terminal
from mt5sim.verdict import LOCAL_REFUSALS, Plan, Refusal


def check_answer(terminal: Terminal, request: TradeRequest) -> OrderCheckResult:
    """The account as it would be after the request; retcode 0 = it would pass. Luck is not foretold."""
    outcome = terminal.judge().plan(request)
    retcode = 0 if isinstance(outcome, Plan) else outcome.retcode
    state = outcome.state if isinstance(outcome, Plan) else terminal.valuation.state(terminal.ledger)
    return build(
        OrderCheckResult,
        retcode=retcode, balance=state.balance, equity=state.equity, profit=state.profit, margin=state.margin,
        margin_free=state.margin_free, margin_level=state.margin_level,
        comment="Done" if retcode == 0 else text(retcode), request=request,
    )  # fmt: skip


def send_answer(terminal: Terminal, request: TradeRequest, outcome: Plan | Refusal) -> OrderSendResult:
    """Tickets, lots and price of what was done; a refusal names none. Gives out the next request id."""
    done = isinstance(outcome, Plan)
    retcode = c.TRADE_RETCODE_DONE if isinstance(outcome, Plan) else outcome.retcode
    order, deal, volume, price = 0, 0, 0.0, 0.0
    if isinstance(outcome, Plan):
        order, volume = outcome.order, outcome.volume
        if outcome.change.deals:
            deal, order = outcome.change.deals[0].ticket, outcome.change.deals[0].order
        if outcome.fill is not None:
            volume, price = outcome.fill.volume, outcome.fill.price
            retcode = c.TRADE_RETCODE_DONE_PARTIAL if outcome.fill.unfilled else c.TRADE_RETCODE_DONE
    reached = done or retcode not in LOCAL_REFUSALS
    terminal.request_id += reached
    return build(
        OrderSendResult,
        retcode=retcode, deal=deal, order=order, volume=volume, price=price,
        bid=outcome.quote.bid if outcome.quote else 0.0, ask=outcome.quote.ask if outcome.quote else 0.0,
        comment=text(retcode), request_id=terminal.request_id if reached else 0, retcode_external=0, request=request,
    )  # fmt: skip


def account_view(terminal: Terminal) -> AccountInfo:
    """The account at the current prices."""
    account, state = terminal.config.account, terminal.valuation.state(terminal.ledger)
    return build(
        AccountInfo,
        login=terminal.faults.other_login or account.login, trade_mode=TRADE_MODES[account.trade_mode],
        leverage=account.leverage, limit_orders=account.limit_orders,
        margin_so_mode=STOP_OUT_MODES[account.stop_out_mode],
        trade_allowed=account.trade_allowed and not terminal.faults.disconnect, trade_expert=account.trade_expert,
        margin_mode=MARGIN_MODES[account.margin_mode], currency_digits=2, fifo_close=account.fifo_close,
        balance=state.balance, credit=0.0, profit=state.profit, equity=state.equity, margin=state.margin,
        margin_free=state.margin_free, margin_level=state.margin_level, margin_so_call=account.margin_call,
        margin_so_so=account.stop_out, margin_initial=0.0, margin_maintenance=0.0, assets=0.0, liabilities=0.0,
        commission_blocked=0.0, name=account.name, server=account.server, currency=account.currency,
        company=company_of(terminal.config.market),
    )  # fmt: skip
