"""What is counted and measured: for Prometheus, and the plain counts for the heartbeat."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One object for the whole service."""

    def __init__(self, registry: CollectorRegistry, counters: dict[str, int]) -> None:
        self._counters = counters
        self._by_name = {
            name: Counter(name, text, registry=registry)
            for name, text in (
                ("ticks_stored", "Ticks written"),
                ("ticks_duplicate", "Ticks that were known already and trimmed"),
                ("tick_holes", "Batches refused because they lie beyond a hole"),
                ("executions_stored", "Executions acknowledged"),
                ("quarantined", "Messages kept aside because they could not be used"),
                ("inserts_failed", "Tick inserts that had to be tried again"),
                ("deliveries_left", "Batches left on the bus because too many were waiting"),
            )
        }
        for name in self._by_name:
            counters.setdefault(name, 0)
        self.insert_seconds = Histogram(
            "insert_seconds",
            "One insert of ticks, until it is on disk",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=registry,
        )
        self.insert_ticks = Histogram(
            "insert_ticks", "Ticks of one insert", buckets=(1, 10, 100, 1e3, 1e4, 1e5, 2e5), registry=registry
        )
        self.queue_bytes = Gauge("queue_bytes", "Bytes of batches waiting to be written", registry=registry)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        if number:
            self._by_name[name].inc(number)
            self._counters[name] += number
