"""What every answer carries, whoever gives it, and the one place that knows the cookies' names."""

Headers = list[tuple[bytes, bytes]]

API_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'none'"
"""Content-Security-Policy of answers that are no page."""

SECURITY: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"x-frame-options", b"DENY"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), bluetooth=(), camera=(), display-capture=(), encrypted-media=(), "
        b"geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), "
        b"usb=(), xr-spatial-tracking=()",
    ),
]
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
"""Two years; only over https, browsers ignore it elsewhere."""


def secured(own: Headers, https: bool) -> Headers:
    """An answer's own headers with those that every answer has; its own policy and caching stand."""
    names = {name for name, _ in own}
    headers = [*own, *SECURITY]
    if b"content-security-policy" not in names:
        headers.append((b"content-security-policy", API_POLICY))
    if b"cache-control" not in names:
        headers.append((b"cache-control", b"no-store"))
    if https:
        headers.append(HSTS)
    return headers


SESSION = "aitrading"
"""The cookie that holds a browser's access token."""
DEVICE = "aitrading-device"
"""The cookie that says that its owner signed in from this browser before; it opens nothing."""


def cookie_name(https: bool, name: str = SESSION) -> str:
    """A cookie's whole name. Browsers let nobody but this very host set `__Host-`, and only over https."""
    return f"__Host-{name}" if https else name


def cookie_of(header: str, https: bool, name: str = SESSION) -> str:
    """A cookie's value in a Cookie header; empty when there is none, or when it stands there twice."""
    wanted = cookie_name(https, name)
    found = [value for name, _, value in (part.strip().partition("=") for part in header.split(";")) if name == wanted]
    return found[0] if len(found) == 1 else ""
