"""Tell a program that is busy or waits for others from one that must be started again."""

from dataclasses import dataclass

FIRST_ANSWER_LIMIT_MS = 60_000
FIRST_READY_LIMIT_MS = 180_000
SILENCE_LIMIT_MS = 10_000
UNREADY_LIMIT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Probe:
    """What asking a program found."""

    live: bool
    """It answered at all."""
    ready: bool
    """It said that it can work."""
    detail: str = ""


@dataclass(slots=True)
class Watch:
    """One life of one process. Call `observe` with every probe; a sentence in return means: end it and start again."""

    started_ms: int
    may_be_unready: bool = False
    """Engines may take their time (recovery after a crash); ending them then would only make it longer."""
    ready: bool = False
    was_ready: bool = False
    _live_ms: int = 0
    _blameless_ms: int = 0
    """When it last was ready, or had an excuse because something it needs was not."""

    def observe(self, probe: Probe, needs_ready: bool, now_ms: int) -> str | None:
        """Take note of a probe; say why the process must be ended, or None."""
        self.ready = probe.ready
        self.was_ready = self.was_ready or probe.ready
        if probe.live:
            self._live_ms = now_ms
        if probe.ready or not needs_ready:
            self._blameless_ms = now_ms
        return self._silent(now_ms) or self._unready(now_ms)

    def _silent(self, now_ms: int) -> str | None:
        if not self._live_ms:
            if now_ms - self.started_ms < FIRST_ANSWER_LIMIT_MS:
                return None
            return f"it did not answer within {FIRST_ANSWER_LIMIT_MS // 1000} s of its start"
        if now_ms - self._live_ms < SILENCE_LIMIT_MS:
            return None
        return f"it has not answered for {SILENCE_LIMIT_MS // 1000} s"

    def _unready(self, now_ms: int) -> str | None:
        if self.ready or self.may_be_unready:
            return None
        limit = UNREADY_LIMIT_MS if self.was_ready else FIRST_READY_LIMIT_MS
        if now_ms - max(self._blameless_ms, self.started_ms) < limit:
            return None
        return f"it was not ready for {limit // 1000} s although all it needs was"
