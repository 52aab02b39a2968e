"""Recovery codes: ten, each good once, 80 bits long and easy to copy by hand."""

import base64

COUNT = 10
BYTES = 10


def written(secret: bytes) -> str:
    """Ten bytes as `XXXX-XXXX-XXXX-XXXX`: letters and digits that are hard to confuse (base32)."""
    text = base64.b32encode(secret).decode()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def normal(typed: str) -> str:
    """What a person typed, as it was written: case, spaces and dashes don't matter."""
    text = "".join(typed.upper().split()).replace("-", "").replace("0", "O").replace("1", "I")
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))
