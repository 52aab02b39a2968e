"""The rules for names and passwords, the same as at the gateway's door: few, and each said in a sentence."""

import unicodedata

from contracts.subjects import TENANT

MIN_PASSWORD, MAX_PASSWORD, MAX_NAME = 12, 128, 64


def fault(name: str, tenant: str, password: str) -> str | None:
    """Why this person can't be added; None when nothing is wrong."""
    if not 1 <= len(name) <= MAX_NAME:
        return f"A name has 1 to {MAX_NAME} characters."
    if name != name.strip() or any(unicodedata.category(c).startswith("C") for c in name):
        return "A name has no control characters and neither begins nor ends with a space."
    if not TENANT.match(tenant):
        return f"{tenant!r} is not a tenant: use lower-case letters, digits and -, at most 32."
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters."
    if password.casefold() == name.casefold():
        return "The password must not be the user name."
    return None
