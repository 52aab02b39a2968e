"""What the plans of tenants allow at the door: requests a minute, live connections, orders a day."""

from dataclasses import dataclass, field

from api_gateway.domain.refusals import Refusal, quota_exceeded
from kit.limits import Limiter
from kit.policy import UNLIMITED, Denied, Quota, most, over

DAY_MS = 86_400_000


@dataclass(slots=True)
class Quotas:
    """Ask before the work. A tenant of which nothing was read yet has no quota: the door does not wait for a store."""

    plans: dict[str, str] = field(default_factory=dict)
    """ tenant -> plan """
    orders: dict[str, tuple[int, int]] = field(default_factory=dict)
    """ tenant -> day, orders of that day """
    pace: dict[str, Limiter] = field(default_factory=dict)
    """ plan -> requests of its tenants """

    def plan_of(self, tenant: str) -> str:
        """The plan's name."""
        return self.plans.get(tenant, UNLIMITED)

    def limited(self) -> bool:
        """Whether any tenant has a quota of orders."""
        return any(most(plan, Quota.ORDERS) is not None for plan in self.plans.values())

    def request(self, tenant: str, now_ms: int) -> Refusal | None:
        """Count a request; why it is one too many."""
        plan = self.plan_of(tenant)
        allowed = most(plan, Quota.REQUESTS)
        if allowed is None:
            return None
        wait_ms = self.pace.setdefault(plan, Limiter(allowed)).wait_ms(tenant, now_ms)
        return _refusal(over(plan, Quota.REQUESTS, allowed), -(-wait_ms // 1000)) if wait_ms else None

    def socket(self, tenant: str, used: int) -> Refusal | None:
        """Why one more live connection is one too many."""
        return _refusal(over(self.plan_of(tenant), Quota.SOCKETS, used))

    def order(self, tenant: str, now_ms: int) -> Refusal | None:
        """Count an order that a person asks for; why it is one too many."""
        used = self._today(tenant, now_ms)
        refusal = _refusal(over(self.plan_of(tenant), Quota.ORDERS, used))
        if refusal is None:
            self.orders[tenant] = (now_ms // DAY_MS, used + 1)
        return refusal

    def stored_orders(self, tenant: str, orders: int, now_ms: int) -> None:
        """What the store counted of today: a strategy's orders, and ours from before a restart."""
        self.orders[tenant] = (now_ms // DAY_MS, max(orders, self._today(tenant, now_ms)))

    def _today(self, tenant: str, now_ms: int) -> int:
        day, used = self.orders.get(tenant, (0, 0))
        return used if day == now_ms // DAY_MS else 0


def _refusal(denied: Denied | None, retry_after_s: int = 0) -> Refusal | None:
    return None if denied is None else quota_exceeded(denied.reason, retry_after_s)
