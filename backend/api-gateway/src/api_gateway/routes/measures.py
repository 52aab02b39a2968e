"""What the gateway counts about itself: for /metrics and for its heartbeats."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Measures:
    """One per process."""

    def __init__(self, registry: CollectorRegistry, counters: dict[str, int]) -> None:
        self.counters = counters
        self._requests = Counter(
            "gateway_requests", "HTTP answers by route and status", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "gateway_request_seconds", "Time from request to answer", ["route"], buckets=_BUCKETS, registry=registry
        )
        self._browsers = Gauge("gateway_browsers", "Open streams", registry=registry)
        self._cut = Counter("gateway_browsers_cut", "Streams closed by us, by code", ["code"], registry=registry)
        self._policy = Counter("gateway_csp_reports", "Policy violations that browsers reported", registry=registry)
        self._failures = Counter("gateway_sign_in_failures", "Refused sign-ins", registry=registry)
        self._reused = Counter("gateway_refresh_tokens_reused", "Refresh tokens that came twice", registry=registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """An answer went out; status 0 means that the browser had gone."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._count("requests")

    def browsers(self, number: int) -> None:
        """So many streams are open."""
        self._browsers.set(number)
        self.counters["browsers"] = number

    def cut(self, code: int) -> None:
        """We closed a stream."""
        self._cut.labels(str(code)).inc()
        self._count("browsers_cut")

    def policy_violation(self) -> None:
        """A browser refused to do what a page asked for."""
        self._policy.inc()
        self._count("csp_reports")

    def sign_in_failed(self) -> None:
        """Somebody did not get in."""
        self._failures.inc()
        self._count("sign_in_failures")

    def token_reused(self) -> None:
        """A refresh token came twice: somebody has a copy of it."""
        self._reused.inc()
        self._count("refresh_tokens_reused")

    def _count(self, name: str) -> None:
        self.counters[name] = self.counters.get(name, 0) + 1
