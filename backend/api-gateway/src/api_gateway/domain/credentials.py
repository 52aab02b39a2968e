"""The rules for names and passwords: few, and each said in a sentence."""

import unicodedata

MIN_PASSWORD = 12
MAX_PASSWORD = 128
MAX_NAME = 64


def name_fault(name: str) -> str | None:
    """Why this cannot be a user's name; None when it can."""
    if not 1 <= len(name) <= MAX_NAME:
        return f"A name has 1 to {MAX_NAME} characters."
    if name != name.strip() or any(unicodedata.category(c).startswith("C") for c in name):
        return "A name has no control characters and neither begins nor ends with a space."
    return None


def password_fault(password: str, name: str) -> str | None:
    """Why this cannot be the password of `name`; None when it can. Length is what counts; no other rules."""
    if len(password) < MIN_PASSWORD:
        return f"The password needs at least {MIN_PASSWORD} characters."
    if len(password) > MAX_PASSWORD:
        return f"The password has at most {MAX_PASSWORD} characters."
    if password.casefold() == name.casefold():
        return "The password must not be the user name."
    return None
