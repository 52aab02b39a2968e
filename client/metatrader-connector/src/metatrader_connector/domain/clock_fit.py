"""Find out that the broker's clock is not the one that is set: ticks are looked for at the wrong time, and missed."""

from dataclasses import dataclass, field

from metatrader_connector.domain.broker_clock import ZONES, to_broker

STEP_S = 1_800
"""Clocks of the world differ by whole half hours, but for a few quarters that no broker uses."""
LEAST_S = 1_200
NEAR_S = 120
"""How far from a whole half hour a new quote may be: it is some seconds old, and the PC's clock is not exact."""
MOST_S = 26 * 3_600
"""No two clocks of the world are further apart: what is, is old data."""
AGREE = 3
"""So many quotes in a row must say the same: the first ones after a start may be of yesterday."""


def steps_off(zone: str, stamp_s: int, now_ms: int) -> int:
    """Half hours by which a quote that has just come is ahead of the clock that is set; 0 when it proves nothing."""
    off = stamp_s - to_broker(zone, now_ms) // 1000
    steps = round(off / STEP_S)
    if not LEAST_S < abs(off) < MOST_S or abs(off - steps * STEP_S) > NEAR_S:
        return 0
    return steps


@dataclass(slots=True)
class ClockFit:
    """Call `look` with each picture of a terminal that replays nothing; `trouble` is what to tell, or empty."""

    zone: str
    trouble: str = ""
    _stamp_s: int = 0
    _seen: list[int] = field(default_factory=list)

    def look(self, newest_s: int, now_ms: int) -> None:
        """`newest_s`: the newest quote's stamp. Only one that has moved since the last look is of this moment."""
        moved = 0 < self._stamp_s < newest_s
        self._stamp_s = newest_s
        if not moved:
            return
        steps = steps_off(self.zone, newest_s, now_ms)
        self._seen = [*self._seen, steps][-AGREE:]
        if self._seen == [steps] * AGREE:
            self.trouble = self._sentence(steps, newest_s, now_ms) if steps else ""

    def _sentence(self, steps: int, stamp_s: int, now_ms: int) -> str:
        apart = f"{abs(steps) / 2:g} h {'ahead of' if steps > 0 else 'behind'}"
        fits = [z for z in ZONES if abs(stamp_s - to_broker(z, now_ms) // 1000) <= NEAR_S]
        advice = (
            f"set it to {fits[0]} (start the client with --terminal-clock {fits[0]})"
            if fits
            else "no clock that is known fits; check this PC's clock and time zone"
        )
        return (
            f"the broker's clock is {apart} the one that terminal_clock={self.zone} means, "
            f"so its prices cannot be used: {advice}"
        )
