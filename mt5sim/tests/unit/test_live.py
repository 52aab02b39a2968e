"""Live quotes: only sound messages become ticks, a lost stream comes back or ends, and nothing else is connected to."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

import mt5sim as mt5
from mt5sim.exchange import ADDRESS, SYMBOLS, BookTicker, Refused, address_mistake
from mt5sim.live import LiveStream, trouble_with

pytest.importorskip("websockets", reason="live quotes need websockets: pip install mt5sim[live]")
BTC = SYMBOLS["BTCUSDT"]
Script = Callable[..., None]


def quote(update: int, bid: str = "67900.01000000", ask: str = "67900.02000000", symbol: str = "BTCUSDT") -> str:
    """A message in the shape of Binance's documentation."""
    return json.dumps({"u": update, "s": symbol, "b": bid, "B": "31.21000000", "a": ask, "A": "40.66000000"})


def eventually(fact: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def exchange(script: Script) -> Iterator[str]:
    """A WebSocket server on this computer that runs the script for each connection; gives its address."""
    from websockets.sync.server import serve

    with serve(script, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        finally:
            server.shutdown()
            thread.join(10)


def says(*messages: str) -> Script:
    def script(connection) -> None:
        for message in messages:
            connection.send(message)
        for _ in connection:  # until the client leaves
            pass

    return script


def load(address: str, **more) -> None:
    market = mt5.Live("BTCUSDT", address)
    mt5.load(mt5.TerminalConfig(account=mt5.Account(currency="USDT"), market=market, **more))


def test_the_quotes_of_the_exchange_become_ticks_of_the_simulated_account() -> None:
    with exchange(says(*[quote(n, f"67900.{n:02}000000", f"67901.{n:02}000000") for n in range(1, 51)])) as address:
        load(address, clock="ny+7")
        eventually(lambda: len(mt5.copy_ticks_from("BTCUSDT", 1, 100, mt5.COPY_TICKS_ALL)) == 50)
        ticks = mt5.copy_ticks_from("BTCUSDT", 1, 100, mt5.COPY_TICKS_ALL)
        assert ticks["bid"].tolist() == [round(67900 + n / 100, 2) for n in range(1, 51)]
        assert abs(ticks["time_msc"][-1] / 1000 - time.time()) > 3600  # the broker's clock, not ours
        assert mt5.symbol_info_tick("BTCUSDT").ask == 67901.5
        assert mt5.copy_rates_from_pos("BTCUSDT", mt5.TIMEFRAME_M1, 0, 1)["tick_volume"][0] > 0
        bought = mt5.order_send(
            action=mt5.TRADE_ACTION_DEAL, symbol="BTCUSDT", volume=0.01, type=mt5.ORDER_TYPE_BUY,
            type_filling=mt5.ORDER_FILLING_IOC,
        )  # fmt: skip
        assert (bought.retcode, bought.price) == (mt5.TRADE_RETCODE_DONE, 67901.5)


def test_account_and_terminal_say_that_the_quotes_are_live_and_the_account_is_not() -> None:
    with exchange(says(quote(1))) as address:
        load(address)
        assert mt5.account_info().company == mt5.terminal_info().company == "Live quotes, simulated account"
        assert "sim" in mt5.account_info().server
        assert mt5.account_info().trade_mode == mt5.ACCOUNT_TRADE_MODE_DEMO
        eventually(lambda: mt5.terminal_info().connected)
        assert mt5.live_report()["trouble"] == ""


BAD = {
    "no JSON": ["", "{", "\x00", '{"u":1,"s":"BTCUSDT","b":NaN,"a":"2"}', '{"u":Infinity}', "[" * 4000],
    "no quote": ["[]", "null", "1", '{"e":"serverShutdown","E":1}', '{"u":1,"s":"BTCUSDT","b":"1"}'],
    "another symbol": [quote(9, symbol="ETHUSDT"), quote(9, symbol="btcusdt")],
    "no update number": [quote(0), quote(-1), quote(2**63), quote(True), quote("9")],  # type: ignore[arg-type]
    "no price": [
        quote(9, bid="-1.00"), quote(9, ask="0.00"), quote(9, bid="NaN"), quote(9, bid="Infinity"), quote(9, bid="1e5"),
        quote(9, bid=""), quote(9, bid="1" * 13), quote(9, bid=67900.0), quote(9, ask=None), quote(9, bid="１"),
    ],
    "crossed: bid above ask": [quote(9, bid="67900.03", ask="67900.02")],
    "older than the last": [quote(5), quote(4)],
    "a price with more than 2 digits": [quote(9, bid="67900.01100000")],
}  # fmt: skip


@pytest.mark.parametrize(("reason", "message"), [(reason, text) for reason, texts in BAD.items() for text in texts])
def test_a_message_that_is_no_sound_quote_is_refused_with_its_reason(reason: str, message: str) -> None:
    ticker = BookTicker(BTC)
    ticker.read(quote(5))
    with pytest.raises(Refused, match=reason):
        ticker.read(message)
    assert ticker.read(quote(6)) == (67900.01, 67900.02)


def test_refused_messages_are_counted_and_the_stream_goes_on() -> None:
    with exchange(says(quote(1), "garbage", quote(2, bid="-1"), quote(3))) as address:
        load(address)
        eventually(lambda: mt5.live_report()["quotes"] == 2)
        assert mt5.live_report()["refused"] == {"no JSON": 1, "no price": 1}


def test_a_message_that_is_too_long_ends_the_connection_and_the_next_one_is_tried() -> None:
    with exchange(says("x" * 5_000)) as address:
        stream = LiveStream(address, BTC, 60, first_wait_s=0.01)
        stream.start()
        eventually(lambda: stream.connections >= 2)
        stream.close()
        assert stream.quotes == 0


def test_a_flood_is_left_out_and_counted() -> None:
    with exchange(says(*[quote(n) for n in range(1, 3_000)])) as address:
        stream = LiveStream(address, BTC, 60)
        stream.start()
        eventually(lambda: stream.quotes + stream.refused["too many in one second"] == 2_999)
        stream.close()


def test_a_lost_stream_is_opened_again_and_loses_nothing_it_had() -> None:
    updates = iter(range(1, 1_000))

    def script(connection) -> None:
        connection.send(quote(next(updates)))

    with exchange(script) as address:
        stream = LiveStream(address, BTC, 60, first_wait_s=0.01)
        stream.start()
        eventually(lambda: stream.connections >= 3)
        stream.close()
        assert len(stream.take()) == stream.quotes >= 2


def test_a_stream_that_stays_away_is_given_up_and_says_so() -> None:
    def opener(address: str):
        raise ConnectionRefusedError(111, "Connection refused")

    stream = LiveStream(ADDRESS, BTC, give_up_s=0.05, opener=opener, first_wait_s=0.01)
    stream.start()
    eventually(lambda: stream.ended)
    assert "data-stream.binance.vision cannot be reached (Connection refused)" in stream.trouble
    assert "given up" in stream.trouble


def test_while_the_stream_is_away_the_terminal_has_no_broker() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        load(f"ws://127.0.0.1:{closed.getsockname()[1]}/ws")
        assert mt5.terminal_info().connected is False
        assert mt5.symbol_info_tick("BTCUSDT").bid == 0.0
        eventually(lambda: "cannot be reached" in mt5.live_report()["trouble"])


def test_a_redirect_to_another_host_is_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.5)
        port, other = server.getsockname()[1], elsewhere.getsockname()[1]

        def answer(connection: socket.socket) -> None:
            head = f"HTTP/1.1 302 F\r\nLocation: ws://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n"
            with connection, suppress(OSError):
                connection.settimeout(5)
                if connection.recv(4096):
                    connection.sendall(head.encode())

        def serve() -> None:
            with suppress(OSError):  # until the test closes it
                while True:
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert trouble_with(f"ws://127.0.0.1:{port}/ws", BTC, 5) != ""
        with pytest.raises(TimeoutError):
            elsewhere.accept()


@pytest.mark.parametrize(
    "address",
    [
        "wss://example.com/ws", "ws://stream.binance.com/ws", "http://127.0.0.1/ws", "wss://stream.binance.com:22/ws",
        "wss://stream.binance.com@example.com/ws", "wss://stream.binance.com.example.com/ws", "ws://192.168.1.9/ws",
        "wss://user:word@stream.binance.com/ws", "wss://stream.binance.com/ws?x=1", "", "ws://[::", "wss://stream.binance.com:x",
    ],
)  # fmt: skip
def test_no_other_host_is_connected_to(address: str) -> None:
    assert address_mistake(address)
    with pytest.raises(mt5.ConfigError, match=r"market\.address"):
        mt5.TerminalConfig(account=mt5.Account(currency="USDT"), market=mt5.Live("BTCUSDT", address))


@pytest.mark.parametrize("address", [ADDRESS, "wss://stream.binance.com:9443/ws", "ws://127.0.0.1:5/ws"])
def test_the_exchange_and_this_computer_are_allowed(address: str) -> None:
    assert address_mistake(address) == ""


def test_a_symbol_without_a_profile_is_refused() -> None:
    with pytest.raises(mt5.ConfigError, match="live quotes are known for BTCUSDT and ETHUSDT"):
        mt5.TerminalConfig(market=mt5.Live("EURUSD"))


def test_a_live_terminal_is_written_in_json_too(tmp_path) -> None:
    config = mt5.parse_config({"account": {"currency": "USDT"}, "market": {"kind": "live", "symbol": "ETHUSDT"}})
    assert [symbol.name for symbol in config.symbols] == ["ETHUSDT"]


def test_the_real_exchange_sends_quotes() -> None:
    if trouble := trouble_with(ADDRESS, BTC, 10):
        pytest.skip(f"needs the internet and {ADDRESS}: {trouble}")
