"""Fakes for the rim, handed in as parameters: a bus in memory, a clock that is set by hand, and `eventually`."""

from kit.testing.bus import FakeBus
from kit.testing.clock import FakeClock
from kit.testing.guards import guard_of, sealed_by_gateway, whoever_may, write_service_keys
from kit.testing.wait import eventually

__all__ = ["FakeBus", "FakeClock", "eventually", "guard_of", "sealed_by_gateway", "whoever_may", "write_service_keys"]
