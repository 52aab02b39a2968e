"""Show the bridge's counts to Prometheus, read at the moment of the scrape."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from data_bridge.domain.counts import Counts

_COUNTERS = (
    ("frames", "Frames received"),
    ("bytes", "Bytes of frames received"),
    ("ticks", "Ticks accepted for the bus, repeats after a rewind included"),
    ("executions", "Executions accepted for the bus"),
    ("duplicates", "Ticks and executions that were known already and were cut off"),
    ("holes", "Times that numbers were missing"),
    ("waiting", "Ticks and executions set aside because their stream was asked to go back"),
    ("rewinds", "Rewinds sent to terminals"),
    ("published", "Messages acknowledged by the bus"),
    ("publish_failures", "Messages the bus did not acknowledge in time"),
)
_GAUGES = (
    ("terminals", "Terminals connected and welcomed"),
    ("in_flight_messages", "Messages on their way to the bus"),
    ("in_flight_bytes", "Bytes on their way to the bus"),
)


@dataclass(slots=True, eq=False)
class BridgeCollector:
    """Register it with the service's metrics."""

    counts: Counts

    def collect(self) -> Iterator[Metric]:
        """All families, as prometheus_client asks for them."""
        for name, words in _COUNTERS:
            yield CounterMetricFamily(f"bridge_{name}", words, value=getattr(self.counts, name))
        for name, words in _GAUGES:
            yield GaugeMetricFamily(f"bridge_{name}", words, value=getattr(self.counts, name))
        refused = CounterMetricFamily("bridge_refused", "Connections and frames kept out", labels=["reason"])
        for code, count in sorted(self.counts.refused.items()):
            refused.add_metric([code], count)
        yield refused
