"""Usage: what was not told is told again, what was told twice counts once, and the memory is bounded."""

from contracts.tenants import Measure, UsageCount, UsageTold
from kit.errors import BusUnavailable
from kit.usage import DAY_MS, MAX_KEPT, MAX_TOLD, Meter, tell

NOW = 5 * DAY_MS


class Store:
    """Hears, unless it is away."""

    def __init__(self) -> None:
        self.away, self.heard = False, dict[tuple[str, int, Measure, str], int]()

    async def hear(self, told: UsageTold) -> None:
        if self.away:
            raise BusUnavailable("away")
        for each in told.counts:
            self.heard[each.tenant, each.day, each.measure, each.source] = each.amount


async def test_counts_that_nobody_heard_are_told_with_the_next() -> None:
    store, meter = Store(), Meter("gateway 1")
    store.away = True
    meter.count("acme", Measure.REQUESTS, 2, NOW)
    await tell(meter, store.hear)
    store.away = False
    meter.count("acme", Measure.REQUESTS, 3, NOW)
    await tell(meter, store.hear)
    assert store.heard == {("acme", 5, Measure.REQUESTS, "gateway 1"): 5}
    assert meter.told() == ()


def test_a_day_and_a_tenant_have_counts_of_their_own_and_a_peak_is_the_most() -> None:
    meter = Meter("bridge 1")
    for tenant, at_ms, amount in (("a", NOW, 2), ("a", NOW, 1), ("b", NOW, 4), ("a", NOW + DAY_MS, 1)):
        meter.peak(tenant, Measure.TERMINALS, amount, at_ms)
    assert set(meter.told()) == {
        UsageCount("a", 5, Measure.TERMINALS, "bridge 1", 2),
        UsageCount("b", 5, Measure.TERMINALS, "bridge 1", 4),
        UsageCount("a", 6, Measure.TERMINALS, "bridge 1", 1),
    }


async def test_the_memory_and_each_question_are_bounded() -> None:
    meter, sizes = Meter("x"), list[int]()
    for number in range(MAX_KEPT + 50):
        meter.count(f"t{number}", Measure.TICKS, 1, NOW)
    assert len(meter.amounts) == MAX_KEPT

    async def hear(told: UsageTold) -> None:
        sizes.append(len(told.counts))

    await tell(meter, hear)
    assert sum(sizes) == MAX_KEPT
    assert max(sizes) == MAX_TOLD
