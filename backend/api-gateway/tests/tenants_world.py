"""The store of tenants, usage and risk limits in memory: as simple as four eyes can be."""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from contracts import limits, tenants
from contracts.limits import LimitOutcome, LimitProposal, LimitVerdict, LimitWish, ProposalState, RiskLimits
from contracts.rpc import Method, Nothing
from contracts.tenants import Tenant, TenantState, UsageCount, UsageDay
from kit.testing import FakeBus


@dataclass
class MemoryTenants:
    """Look inside: everything is a dictionary. What lowers a limit is told by a smaller `max_volume`."""

    plans: dict[str, str] = field(default_factory=dict)
    """ tenant -> plan """
    told: list[UsageCount] = field(default_factory=list)
    days: list[UsageDay] = field(default_factory=list)
    held: dict[tuple[str, str], RiskLimits] = field(default_factory=dict)
    proposals: dict[str, LimitProposal] = field(default_factory=dict)

    async def answer_on(self, bus: FakeBus) -> None:
        """Begin to answer."""
        for module in (tenants, limits):
            for method in vars(module).values():
                if isinstance(method, Method):
                    await bus.answer(method, self._handler(method.name.replace(".", "_")))

    def _handler(self, name: str) -> Any:
        async def handle(question: Any) -> Any:
            return getattr(self, name)(question)

        return handle

    def tenants_list(self, q: tenants.TenantsQuestion) -> tenants.Tenants:
        return tenants.Tenants(tuple(Tenant(t, t, TenantState.ACTIVE, p, 1) for t, p in self.plans.items()))

    def usage_add(self, q: tenants.UsageTold) -> Nothing:
        self.told += q.counts
        return Nothing()

    def usage_read(self, q: tenants.UsageQuestion) -> tenants.Usage:
        return tenants.Usage(tuple(d for d in self.days if q.tenant in ("*", d.tenant) and q.from_day <= d.day))

    def limits_read(self, q: limits.LimitsQuestion) -> limits.LimitsFound:
        return limits.LimitsFound(tuple(each for each in self.held.values() if each.tenant == q.tenant))

    def limits_proposals(self, q: limits.ProposalsQuestion) -> limits.Proposals:
        return limits.Proposals(tuple(each for each in self.proposals.values() if each.tenant == q.tenant))

    def limits_propose(self, q: LimitWish) -> LimitOutcome:
        now = self.held.get((q.tenant, q.account), RiskLimits(q.tenant, q.account))
        waits = now.max_volume is not None and (q.max_volume is None or q.max_volume > now.max_volume)
        state = ProposalState.WAITING if waits else ProposalState.APPLIED
        made = LimitProposal(
            q.id, q.tenant, q.account, q.max_volume, q.max_orders_per_minute, q.allowed_symbols, q.based_on,
            q.because, state, q.person, q.name, q.now_ms, q.now_ms + limits.PROPOSAL_LIFE_MS,
        )  # fmt: skip
        self.proposals[q.id] = made
        return LimitOutcome(made) if waits else self._apply(made)

    def _apply(self, proposal: LimitProposal) -> LimitOutcome:
        key = (proposal.tenant, proposal.account)
        after = RiskLimits(*key, proposal.max_volume, version=self.held.get(key, RiskLimits(*key)).version + 1)
        self.held[key] = after
        return LimitOutcome(proposal, after)

    def limits_approve(self, q: LimitVerdict) -> LimitOutcome:
        found = self.proposals.get(q.id)
        if found is None or found.tenant != q.tenant:
            return LimitOutcome(refused="not_found", reason="There is none.")
        if found.proposed_by == q.person:
            return LimitOutcome(found, refused="own_proposal", reason="Another person must approve it.")
        done = replace(found, state=ProposalState.APPLIED, decided_by=q.person, decided_name=q.name)
        self.proposals[q.id] = done
        return self._apply(done)

    def limits_reject(self, q: LimitVerdict) -> LimitOutcome:
        found = self.proposals.get(q.id)
        if found is None or found.tenant != q.tenant:
            return LimitOutcome(refused="not_found", reason="There is none.")
        self.proposals[q.id] = replace(found, state=ProposalState.REJECTED, decided_by=q.person, decided_name=q.name)
        return LimitOutcome(self.proposals[q.id])
