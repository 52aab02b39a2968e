"""XML without document types and entities, whoever asks for them."""

from typing import Any

from data_collector.domain.items import BadDocument

BOM = b"\xef\xbb\xbf"


def root_of(document: bytes) -> Any:
    """The root element. BadDocument when it is not safe, or not XML."""
    # imported here: a client without sources does not pay for the parsers
    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    try:
        return fromstring(document.removeprefix(BOM), forbid_dtd=True)
    except (SyntaxError, DefusedXmlException, ValueError, LookupError) as error:  # what is no XML is a SyntaxError
        raise BadDocument(f"not safe or not XML: {type(error).__name__} {error}") from None
