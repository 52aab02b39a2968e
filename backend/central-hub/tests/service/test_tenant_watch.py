"""What every service knows of suspended tenants follows the store, whatever was left untold."""

import pytest

from central_hub.tenant_watch import TELL_AGAIN_MS, TenantWatch
from contracts.tenants import TENANTS, Tenant, Tenants, TenantState
from kit.revocations import RevocationBook, follow
from kit.testing import FakeBus, FakeClock, eventually


class World:
    """A store with one tenant, a watch, and somebody who listens."""

    def __init__(self) -> None:
        self.bus, self.clock, self.book = FakeBus(), FakeClock(), RevocationBook()
        self.state, self.told = TenantState.ACTIVE, 0

    async def tenants(self, _question: object) -> Tenants:
        return Tenants((Tenant("acme", "Acme", self.state, "team", 1, "unpaid"),))

    def heard(self, _revocation: object) -> None:
        self.told += 1


@pytest.fixture
async def world():
    made = World()
    await made.bus.answer(TENANTS, made.tenants)
    following = await follow(made.bus, made.book, made.heard)
    yield made
    await following.stop()


async def test_a_suspension_that_nobody_was_told_of_is_told_and_so_is_its_end(world):
    watch = TenantWatch(world.bus, world.clock, world.book)
    world.state = TenantState.SUSPENDED
    await watch.look()
    await eventually(lambda: world.book.suspended("acme"))
    world.clock.advance(5)
    world.state = TenantState.ACTIVE
    await watch.look()
    await eventually(lambda: not world.book.suspended("acme"))


async def test_a_suspension_is_told_again_each_day_because_its_stream_forgets(world):
    watch = TenantWatch(world.bus, world.clock, world.book)
    world.state = TenantState.SUSPENDED
    await watch.look()
    await eventually(lambda: world.told == 1)
    await watch.look()
    world.clock.advance(TELL_AGAIN_MS)
    await watch.look()
    await eventually(lambda: world.told == 2)


async def test_nothing_is_said_of_a_tenant_that_is_as_everybody_knows_it(world):
    await TenantWatch(world.bus, world.clock, world.book).look()
    assert world.told == 0
    assert not world.book.entries
