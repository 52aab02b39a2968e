"""How long things live: sessions, challenges, tickets. The numbers and why are in docs/decisions/0013-people.md."""

from contracts.people import SessionKind, SessionRow

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

IDLE_MS = {SessionKind.BROWSER: 30 * _MINUTE, SessionKind.PROGRAM: 7 * _DAY}
"""A session that was not renewed for this long is over. An open page renews every seven minutes."""
ABSOLUTE_MS = {SessionKind.BROWSER: 12 * _HOUR, SessionKind.PROGRAM: 30 * _DAY}
"""No session lives longer than this, however busy it is."""
MAX_SESSIONS = 20
"""Living sessions of one person; one more ends the oldest."""
CHALLENGE_MS = 5 * _MINUTE
"""To find one's telephone."""
OFFER_MS = 10 * _MINUTE
"""To set up an authenticator app."""
TICKET_MS = 30_000
"""To open the WebSocket that the ticket was fetched for."""
API_KEY_DAYS = 365
"""An API key lives this long at most."""
DEVICE_MS = 180 * _DAY
"""A browser that signed in is known for this long."""


def is_over(session: SessionRow, now_ms: int) -> bool:
    """Whether a session may not go on."""
    return (
        session.ended_ms > 0
        or now_ms - session.seen_ms > IDLE_MS[session.kind]
        or now_ms - session.created_ms > ABSOLUTE_MS[session.kind]
    )


def access_life_ms(session: SessionRow, now_ms: int, usual_ms: int) -> int:
    """How long an access token may live: never longer than its session."""
    return max(0, min(usual_ms, session.created_ms + ABSOLUTE_MS[session.kind] - now_ms))
