"""Fixtures of the bridge's tests: the real app on a random port, with a fake bus and a clock set by hand."""

import contextlib
import importlib.util
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_bridge.app import create_app
from data_bridge.settings import Settings
from kit.bus import Bus
from kit.keys import public_text
from kit.lifespan import Service, opened
from kit.testing import FakeBus, FakeClock
from kit.testing.pki import TestAuthority
from kit.tls import Identity, TlsFiles, client_context

for _name in ("bridge_rig", "bench_bridge"):  # tests are no package: neighbours are loaded by their path
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])

import bridge_rig as rig  # noqa: E402 it was just loaded


@dataclass
class App:
    """A running bridge."""

    service: Service
    bus: FakeBus
    clock: FakeClock
    key: Ed25519PrivateKey
    url: str
    store: "rig.FakeStore"
    folder: Path
    shown: TlsFiles
    """The certificate of the terminal TERMINAL."""
    _closers: list[Callable[[], None]] = field(default_factory=list)

    def token(self, **changes: str) -> str:
        """A good token at this clock, or one with other claims."""
        return rig.terminal_token(self.key, self.clock.now_ms() // 1_000, shown=self.shown, **changes)

    @property
    def tls(self) -> ssl.SSLContext:
        """For the terminal, which shows its certificate."""
        return client_context(self.shown)

    def terminal(self, **options: object) -> "contextlib.AbstractAsyncContextManager[rig.Terminal]":
        """A terminal that has said Hello."""
        return rig.Terminal.opened(self.url, self.token(), **{"tls": self.tls, **options})  # type: ignore[arg-type]

    def metric(self, name: str, **labels: str) -> float:
        """A value as Prometheus would scrape it."""
        return self.service.metrics.get_sample_value(name, labels) or 0.0


@contextlib.asynccontextmanager
async def running(folder: Path, bus: Bus, clock: FakeClock, **changes: object) -> AsyncIterator[App]:
    """The real app with `changes` to its settings."""
    key = Ed25519PrivateKey.generate()
    public = folder / "token.pub"
    public.write_text(public_text(key))
    port = rig.free_port()
    settings = Settings(port=port, data_dir=folder, token_public_key=public, **changes)  # type: ignore[arg-type]
    store = rig.FakeStore(bus)
    await store.open()
    authority = TestAuthority(folder / "tls")
    shown = authority.issue(Identity.terminal(rig.TENANT, rig.TERMINAL), folder="terminal")
    tls = authority.service("data-bridge")
    async with opened("data-bridge", settings, bus=bus, clock=clock, tls=tls) as service:
        await create_app(service, settings)
        assert isinstance(bus, FakeBus)
        yield App(service, bus, clock, key, f"wss://127.0.0.1:{port}/terminal", store, folder, shown)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """A bridge with usual settings."""
    async with running(tmp_path, FakeBus(), FakeClock()) as made:
        yield made


@pytest.fixture
def run_app(tmp_path: Path) -> Callable[..., "contextlib.AbstractAsyncContextManager[App]"]:
    """Make a bridge with a bus or settings of one's own."""

    def run(bus: FakeBus | None = None, **changes: object) -> "contextlib.AbstractAsyncContextManager[App]":
        return running(tmp_path, bus or FakeBus(), FakeClock(), **changes)

    return run
