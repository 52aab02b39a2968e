"""Measure the bridge: messages (or ticks) per second through one connection, counted by a receiver behind JetStream.

Run `python backend/data-bridge/tests/bench_bridge.py [ticks per message] [messages]`. The bridge, the NATS server and
the load generator have processes of their own; the receiver is this one and counts what the stream delivers.
"""

import argparse
import asyncio
import base64
import importlib.util
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.codec import decode, encode
from contracts.ticks import TickBatch
from contracts.uplink import Control, Hello
from kit.bus import Delivery
from kit.testing.engines import NatsServer
from kit.tls import TlsFiles, client_context, host_of


def _rig() -> ModuleType:
    if "bridge_rig" not in sys.modules:  # tests are no package: the neighbour is loaded by its path
        spec = importlib.util.spec_from_file_location("bridge_rig", Path(__file__).with_name("bridge_rig.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["bridge_rig"] = module
        spec.loader.exec_module(module)
    return sys.modules["bridge_rig"]


rig = _rig()


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured. Time runs from the first frame sent to the last tick counted."""

    messages_per_s: float
    ticks_per_s: float
    bridge_cpu_us_per_message: float
    bus_messages: int
    seconds: float


def ws_frame(payload: bytes) -> bytes:
    """A masked binary frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x82, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x82, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x82, 0x80 | 127, size)
    mask = os.urandom(4)
    stream = int.from_bytes((mask * (size // 4 + 1))[:size])
    return head + mask + (int.from_bytes(payload) ^ stream).to_bytes(size)


def load(port: int, shown: str, token: str, messages: int, ticks: int) -> None:
    """The load generator: all frames are made first; then they are written as fast as the bridge takes them."""
    frames = [ws_frame(encode(rig.ticks_of("EURUSD", 1 + i * ticks, ticks))) for i in range(messages)]
    blob = b"".join(frames)
    plain = socket.create_connection(("127.0.0.1", port))
    with client_context(TlsFiles(Path(shown))).wrap_socket(plain, server_hostname=host_of("data-bridge")) as sock:
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall(
            f"GET /terminal HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert b" 101 " in sock.recv(65_536)
        hello = Hello(1, rig.TENANT, rig.ACCOUNT, rig.EPOCH, "bench", 1)
        sock.sendall(ws_frame(encode(Control(hello))))
        assert b"welcome" in sock.recv(65_536)
        print("ready", flush=True)  # noqa: T201 the measuring process waits for this line
        sys.stdin.readline()
        sock.sendall(blob)
        while sock.recv(65_536):  # acknowledgements, until the measurement is over and the socket is closed
            pass


async def measure_all(messages: int = 300_000, ticks_per_message: int = 1, *, profile: str = "") -> Result:
    """Start everything in a temporary folder, send `messages` frames, count ticks behind the stream, stop all."""
    total = messages * ticks_per_message
    with tempfile.TemporaryDirectory(prefix="bench-bridge-") as name:
        folder = Path(name)
        key = Ed25519PrivateKey.generate()
        nats = NatsServer(folder / "nats")
        bridge = rig.BridgeProcess(folder / "bridge", nats, key)
        generator: subprocess.Popen[bytes] | None = None
        nats.start()
        try:
            bus = await nats.connect("database-service")
            store = rig.FakeStore(bus, remember=False)
            done = asyncio.Event()
            bus_messages = 0

            async def count(deliveries: list[Delivery]) -> None:
                nonlocal bus_messages
                for delivery in deliveries:
                    store.keep(decode(delivery.data, TickBatch))
                    await delivery.ack()
                bus_messages += len(deliveries)
                if store.marks.get(("EURUSD", rig.EPOCH), 0) >= total:
                    done.set()

            async def tell() -> None:
                while True:
                    await asyncio.sleep(0.1)
                    await store.tell()

            await bus.answer(rig.STORED, store._answer)
            await bus.consume("TICKS", "count", "ticks.>", count)
            telling = asyncio.create_task(tell())
            await bridge.start(*(["-m", "cProfile", "-o", profile] if profile else []))
            command = [sys.executable, __file__, "--load", str(bridge.port), str(messages), str(ticks_per_message)]
            generator = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert generator.stdin is not None
            assert generator.stdout is not None
            generator.stdin.write(f"{bridge.shown.directory} {bridge.token()}\n".encode())
            generator.stdin.flush()
            assert await asyncio.to_thread(generator.stdout.readline) == b"ready\n"
            cpu, began = bridge.cpu_s(), time.perf_counter()
            generator.stdin.write(b"go\n")
            generator.stdin.flush()
            await asyncio.wait_for(done.wait(), 120)
            seconds = time.perf_counter() - began
            cpu = bridge.cpu_s() - cpu
            telling.cancel()
            await bus.close()
            return Result(messages / seconds, total / seconds, cpu / messages * 1e6, bus_messages, seconds)
        finally:
            if generator is not None:
                generator.kill()
                generator.communicate()
            bridge.stop()
            nats.stop()


async def measure(messages: int = 300_000) -> float:
    """Single-tick messages per second on one connection, counted behind JetStream: `bridge_messages_per_s`."""
    return (await measure_all(messages)).messages_per_s


def main() -> None:
    """Measure and print, or be the load generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--profile", default="")
    asked = parser.parse_args()
    if asked.load:
        load(asked.numbers[0], *sys.stdin.readline().split(), asked.numbers[1], asked.numbers[2])
        return
    ticks = asked.numbers[0] if asked.numbers else 1
    messages = asked.numbers[1] if len(asked.numbers) > 1 else max(300_000 // ticks, 3_000)
    print(asyncio.run(measure_all(messages, ticks, profile=asked.profile)))  # noqa: T201 a person reads it


if __name__ == "__main__":
    main()
