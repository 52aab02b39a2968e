"""QR codes as SVG documents."""

import io

import segno

BORDER = 2


def qr_svg(text: str) -> str:
    """A black on white picture of `text` that scales to any size."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=BORDER, light="#fff", xmldecl=False, omitsize=True, nl=False
    )
    return out.getvalue().decode()
