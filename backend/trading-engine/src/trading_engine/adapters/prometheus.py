"""The engine's numbers for Prometheus, read when asked for: counting costs nothing on the way of a tick."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trading_engine.domain.counts import Counts


def commit_seconds(registry: CollectorRegistry) -> Histogram:
    """How long the store takes to commit."""
    return Histogram(
        "engine_commit_seconds",
        "From asking the store to its answer",
        registry=registry,
        buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
    )


class EngineCollector(Collector):
    """Reads what the engine has counted, and what the three functions say."""

    def __init__(
        self, counts: Counts, lag_ms: Callable[[], int], malformed: Callable[[], int], dropped: Callable[[], int]
    ) -> None:
        self._counts, self._lag_ms, self._malformed, self._dropped = counts, lag_ms, malformed, dropped

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        counts = self._counts
        for name, text, value in (
            ("engine_ticks", "Ticks worked on", counts.ticks),
            ("engine_ticks_known", "Ticks that came again and were left out", counts.ticks_known),
            ("engine_ticks_missed", "Numbers that a stream jumped over", counts.ticks_missed),
            ("engine_events", "Events worked on", counts.events),
            ("engine_proposals", "Orders asked for by strategies and people", counts.proposals),
            ("engine_proposals_on_old_ticks", "Proposals made on history, dropped", counts.proposals_on_old_ticks),
            ("engine_contradictions", "Executions that fit no order", counts.contradictions),
            ("engine_strategies_failed", "Strategies stopped by an error of their own", counts.strategies_failed),
            ("engine_malformed", "Messages kept aside", self._malformed()),
            ("engine_effects_dropped", "Effects that could not be made durable", self._dropped()),
        ):
            yield CounterMetricFamily(name, text, value)
        refused = CounterMetricFamily("engine_refused", "Refusals of risk by code", labels=["code"])
        for code, count in counts.refused.items():
            refused.add_metric([code], count)
        yield refused
        orders = CounterMetricFamily("engine_orders", "Orders by the state they came into", labels=["state"])
        for state, count in counts.orders.items():
            orders.add_metric([state], count)
        yield orders
        yield GaugeMetricFamily(
            "engine_lag_seconds", "Age of the newest tick when it was worked on", self._lag_ms() / 1000
        )
