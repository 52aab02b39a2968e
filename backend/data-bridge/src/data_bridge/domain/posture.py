"""What the bridge sees of a terminal's PC: the version of the client, and how far its clock is off."""

from dataclasses import dataclass, field

from contracts.signals import MAX_SKEW_MS

PING_EVERY_MS = 5_000
MOST_ASKED = 8
MAX_WAY_MS = 4_000
"""An answer that took longer says too little about the clock."""


def version_of(text: str) -> tuple[int, ...]:
    """A version as numbers; what is no number counts as 0, so that nonsense is old."""
    return tuple(int(part) if part.isdecimal() and len(part) < 7 else 0 for part in text.split(".")[:4])


@dataclass(slots=True)
class Posture:
    """Call `ask` when it is due and `heard` with the answers; `trouble` says why no signal may go there."""

    oldest_version: str
    version: str = ""
    journal: str = ""
    skew_ms: int = 0
    """How far the PC's clock is ahead; negative when it is behind."""
    unsure_ms: int = -1
    """By how much that may be wrong; -1 before the first answer."""
    _asked: dict[int, None] = field(default_factory=dict)
    asked_ms: int = 0

    def due(self, now_ms: int) -> bool:
        """It is time to ask what time it is there."""
        return now_ms - self.asked_ms >= PING_EVERY_MS

    def ask(self, now_ms: int) -> int:
        """The stamp of a question asked now."""
        self.asked_ms = now_ms
        self._asked[now_ms] = None
        while len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        return now_ms

    def heard(self, stamp_ms: int, at_ms: int, now_ms: int) -> None:
        """The answer to the question `stamp_ms`; what was never asked, or took too long, teaches nothing."""
        asked, way = stamp_ms in self._asked, now_ms - stamp_ms
        self._asked.pop(stamp_ms, None)
        if asked and at_ms > 0 and 0 <= way <= MAX_WAY_MS:
            self.skew_ms, self.unsure_ms = at_ms - stamp_ms - way // 2, way // 2 + 1

    def trouble(self) -> str:
        """Why this client gets no signals; empty when it does."""
        if not self.journal or version_of(self.version) < version_of(self.oldest_version):
            found, wanted = self.version[:20], self.oldest_version
            return f"the client's version {found!r} is too old for orders; install {wanted} or newer"
        if self.unsure_ms < 0:
            return "the clock of the PC was not measured yet"
        if abs(self.skew_ms) > MAX_SKEW_MS + self.unsure_ms:
            way = "ahead of" if self.skew_ms > 0 else "behind"
            off = abs(self.skew_ms) / 1000
            return f"the PC's clock is {off:.1f} s {way} the server's; set it by the internet's time"
        return ""
