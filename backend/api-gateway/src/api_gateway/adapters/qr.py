"""QR codes as SVG documents."""

import io

BORDER = 2


def qr_svg(text: str) -> str:
    """A black on white picture of `text` that scales to any size."""
    import segno  # 2 MB and a moment: not in the way of the start, for the few who add an authenticator

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=BORDER, light="#fff", xmldecl=False, omitsize=True, nl=False
    )
    return out.getvalue().decode()
