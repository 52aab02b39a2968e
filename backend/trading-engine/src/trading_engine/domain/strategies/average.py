"""A moving average over the newest values, in constant time per value."""

from math import fsum


class MovingAverage:
    """Mean of the newest `length` values; call `add` with each."""

    __slots__ = ("_at", "_ring", "_sum", "full", "length")

    def __init__(self, length: int) -> None:
        self.length = length
        self.clear()

    def clear(self) -> None:
        """Forget all values."""
        self._ring = [0.0] * self.length
        self._at = 0
        self._sum = 0.0
        self.full = False

    def add(self, value: float) -> float:
        """The mean after `value`; meaningful once `full`."""
        self._sum += value - self._ring[self._at]
        self._ring[self._at] = value
        self._at += 1
        if self._at == self.length:
            self._at = 0
            self.full = True
            self._sum = fsum(self._ring)  # a running sum drifts; once a round it is made exact again
        return self._sum / self.length
