"""How many digits a price is written with, when no terminal has told."""

MAX_DIGITS = 8


def digits_of(*prices: float) -> int:
    """The fewest digits that write every price exactly, at most MAX_DIGITS."""
    for digits in range(MAX_DIGITS):
        if all(round(price, digits) == price for price in prices):
            return digits
    return MAX_DIGITS
