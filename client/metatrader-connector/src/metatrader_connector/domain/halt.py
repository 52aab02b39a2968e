"""The trader's own kill switch: a file on this PC. While it exists nothing is sent, whatever any server says."""

FILE = "halt"
"""Name of the file in the client's data directory; made by `aitrading-client limits halt`, or by hand."""
CLOSING = b"closing"
"""With this word in the file orders that close a position still go out."""


def halted(document: bytes | None, *, closing: bool) -> str:
    """Why the order stays here, in plain words; empty when the switch is off. `document` None: there is no file."""
    if document is None or (closing and CLOSING in document.lower()):
        return ""
    return "you have stopped trading on this PC; `aitrading-client limits resume` lets it go on"
