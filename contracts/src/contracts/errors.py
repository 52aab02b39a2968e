"""The one error of this package.

ContractError (ValueError): bytes that are not the message they should be.
"""


class ContractError(ValueError):
    """The bytes could not be decoded. Its text says what was expected; keep the bytes aside and count it."""
