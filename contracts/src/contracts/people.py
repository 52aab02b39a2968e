"""People in the store: sessions, passkeys, recovery codes and API keys, and the questions about them.

Every change carries the audit records that explain it: both are committed in one transaction, or neither is.
"""

from enum import StrEnum

import msgspec

from contracts.audit import AuditRecord
from contracts.rpc import DB, Method, Nothing, User, UserFound


class SessionKind(StrEnum):
    """How a session is held."""

    BROWSER = "browser"
    """A cookie that scripts can't read."""
    PROGRAM = "program"
    """An access token, and refresh tokens of one family that are used once each."""


class SessionRow(msgspec.Struct, frozen=True):
    """A session. Times are UTC ms; `ended_ms` 0 while it lives."""

    id: str
    tenant: str
    user_id: str
    kind: SessionKind
    created_ms: int
    seen_ms: int
    """When it was last renewed."""
    peer: str
    """Address that it was last renewed from."""
    agent: str
    """What the browser or program calls itself."""
    amr: str
    """How the person proved who they are, words of RFC 8176 with spaces between them: `pwd otp mfa`."""
    auth_ms: int
    """The last time they proved it."""
    refresh_hash: bytes = b""
    """Of the only refresh token that is still good; empty for browsers."""
    thumbprint: str = ""
    """SHA-256 of the client certificate that the session is bound to, base64url; empty when it is not bound."""
    ended_ms: int = 0
    ended_because: str = ""


class Passkey(msgspec.Struct, frozen=True):
    """A WebAuthn credential. `id` is its credential id, base64url."""

    id: str
    tenant: str
    user_id: str
    name: str
    public_key: bytes
    """COSE."""
    sign_count: int
    transports: str
    created_ms: int
    used_ms: int = 0


class ApiKey(msgspec.Struct, frozen=True):
    """A program's own way in. The key itself is shown once and not kept: `hash` is its HMAC-SHA256."""

    id: str
    tenant: str
    user_id: str
    """Whose rights it has, at most."""
    name: str
    hash: bytes
    scopes: str
    """With spaces between them."""
    cidrs: str
    """Networks it may be used from, with spaces between them; empty: from anywhere."""
    created_ms: int
    expires_ms: int
    used_ms: int = 0
    revoked_ms: int = 0


class UserById(msgspec.Struct, frozen=True):
    """Find a person by id."""

    tenant: str
    id: str


class UsersQuestion(msgspec.Struct, frozen=True):
    """All people of a tenant."""

    tenant: str


class Users(msgspec.Struct, frozen=True):
    """People by name, each with the kinds of second factor that they have."""

    users: tuple[User, ...]
    passkeys: dict[str, int] = {}
    """ user id -> how many passkeys; those without any are not listed """


class UserChange(msgspec.Struct, frozen=True):
    """Change what is not None. Every change that takes something away also moves `not_before_ms`."""

    tenant: str
    id: str
    role: str | None = None
    disabled: bool | None = None
    password_hash: str | None = None
    password_changed_ms: int | None = None
    totp_secret: bytes | None = None
    totp_last_counter: int | None = None
    not_before_ms: int | None = None
    no_second_factor: bool = False
    """Forget authenticator app, passkeys and recovery codes."""
    audit: tuple[AuditRecord, ...] = ()
    keeps_admin: bool = False
    """Not done when it would leave the tenant without an administrator who may sign in."""


class Spend(msgspec.Struct, frozen=True):
    """Use up something that is good once: a TOTP step (`counter`) or a recovery code (`hash`)."""

    tenant: str
    user_id: str
    now_ms: int
    counter: int = 0
    hash: bytes = b""


class Done(msgspec.Struct, frozen=True):
    """Whether it was done; False: somebody was faster, or there is no such thing."""

    done: bool


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Replace all recovery codes of a person by these (hashes)."""

    tenant: str
    user_id: str
    hashes: tuple[bytes, ...]
    audit: tuple[AuditRecord, ...] = ()


class FactorsQuestion(msgspec.Struct, frozen=True):
    """What second factors a person has."""

    tenant: str
    user_id: str


class Factors(msgspec.Struct, frozen=True):
    """Passkeys by age, and how many recovery codes are left. `mfa_required` is the tenant's rule."""

    passkeys: tuple[Passkey, ...]
    recovery_left: int
    mfa_required: bool


class PasskeyQuestion(msgspec.Struct, frozen=True):
    """Find a passkey by its credential id, whosever it is."""

    id: str


class PasskeyFound(msgspec.Struct, frozen=True):
    """The passkey with its owner; None: there is none."""

    passkey: Passkey | None
    user: User | None


class PasskeyAdd(msgspec.Struct, frozen=True):
    """A new passkey."""

    passkey: Passkey
    audit: tuple[AuditRecord, ...] = ()


class PasskeyUsed(msgspec.Struct, frozen=True):
    """A passkey was used: its counter must have risen, or be 0 as before (many authenticators don't count)."""

    id: str
    tenant: str
    sign_count: int
    now_ms: int


class PasskeyRemove(msgspec.Struct, frozen=True):
    """Forget a passkey of a person."""

    tenant: str
    user_id: str
    id: str
    audit: tuple[AuditRecord, ...] = ()


class SessionOpen(msgspec.Struct, frozen=True):
    """A new session. The oldest beyond `keep` living ones of this person end."""

    session: SessionRow
    keep: int
    audit: tuple[AuditRecord, ...] = ()


class SessionQuestion(msgspec.Struct, frozen=True):
    """Find a session."""

    id: str


class SessionFound(msgspec.Struct, frozen=True):
    """The session with its owner as they are now; None: there is none."""

    session: SessionRow | None
    user: User | None


class SessionTouch(msgspec.Struct, frozen=True):
    """A living session goes on: renewed, or its owner has proved once more who they are."""

    id: str
    tenant: str
    seen_ms: int
    peer: str
    amr: str = ""
    """Empty: as before."""
    auth_ms: int = 0
    """0: as before."""
    audit: tuple[AuditRecord, ...] = ()


class SessionRotate(msgspec.Struct, frozen=True):
    """Spend a program's refresh token (`old`) and keep `new` instead. One that was spent before ends the session."""

    id: str
    old: bytes
    new: bytes
    now_ms: int
    peer: str
    idle_ms: int
    """A session not renewed for this long has ended."""
    absolute_ms: int
    """No session lives longer."""


class Rotation(StrEnum):
    """What came of `SessionRotate`."""

    ROTATED = "rotated"
    REUSED = "reused"
    """The token was spent before: somebody has a copy. The session has ended."""
    REFUSED = "refused"
    """No such token, or the session is over."""


class Rotated(msgspec.Struct, frozen=True):
    """The session after it; None when there is no such session."""

    result: Rotation
    session: SessionRow | None
    user: User | None


class SessionsQuestion(msgspec.Struct, frozen=True):
    """Living sessions of a person, or of all the tenant's people when `user_id` is empty, newest first."""

    tenant: str
    user_id: str = ""


class Sessions(msgspec.Struct, frozen=True):
    """Sessions, newest first."""

    sessions: tuple[SessionRow, ...]


class SessionsEnd(msgspec.Struct, frozen=True):
    """End living sessions of a person: this one (`id`), or all but `except_id`."""

    tenant: str
    user_id: str
    now_ms: int
    because: str
    id: str = ""
    except_id: str = ""
    audit: tuple[AuditRecord, ...] = ()


class Ended(msgspec.Struct, frozen=True):
    """Ids of what has ended by this question."""

    ids: tuple[str, ...]


class ApiKeysQuestion(msgspec.Struct, frozen=True):
    """API keys of a person, or of the whole tenant when `user_id` is empty, newest first; revoked ones are left out."""

    tenant: str
    user_id: str = ""


class ApiKeys(msgspec.Struct, frozen=True):
    """API keys, newest first."""

    keys: tuple[ApiKey, ...]


class ApiKeyAdd(msgspec.Struct, frozen=True):
    """A new API key."""

    key: ApiKey
    audit: tuple[AuditRecord, ...] = ()


class ApiKeyQuestion(msgspec.Struct, frozen=True):
    """Find an API key by its hash and note that it is used."""

    hash: bytes
    now_ms: int


class ApiKeyFound(msgspec.Struct, frozen=True):
    """The key with its owner as they are now; None: there is none."""

    key: ApiKey | None
    user: User | None


class ApiKeyRevoke(msgspec.Struct, frozen=True):
    """Revoke an API key of a person, or of anyone in the tenant when `user_id` is empty."""

    tenant: str
    user_id: str
    id: str
    now_ms: int
    audit: tuple[AuditRecord, ...] = ()


class PeopleRules(msgspec.Struct, frozen=True):
    """A tenant's rules for its people."""

    tenant: str
    mfa_required: bool
    audit: tuple[AuditRecord, ...] = ()


USER_GET = Method(DB, "users.get", UserById, UserFound)
USERS = Method(DB, "users.list", UsersQuestion, Users)
USER_CHANGE = Method(DB, "users.change", UserChange, Done)
SPEND = Method(DB, "factors.spend", Spend, Done)
FACTORS = Method(DB, "factors.list", FactorsQuestion, Factors)
RECOVERY_CODES = Method(DB, "factors.recovery", RecoveryCodes, Nothing)
PASSKEY_FIND = Method(DB, "passkeys.find", PasskeyQuestion, PasskeyFound)
PASSKEY_ADD = Method(DB, "passkeys.add", PasskeyAdd, Nothing)
PASSKEY_USED = Method(DB, "passkeys.used", PasskeyUsed, Done)
PASSKEY_REMOVE = Method(DB, "passkeys.remove", PasskeyRemove, Done)
SESSION_OPEN = Method(DB, "sessions.open", SessionOpen, Ended)
SESSION_FIND = Method(DB, "sessions.find", SessionQuestion, SessionFound)
SESSION_TOUCH = Method(DB, "sessions.touch", SessionTouch, Done)
SESSION_ROTATE = Method(DB, "sessions.rotate", SessionRotate, Rotated)
SESSIONS = Method(DB, "sessions.list", SessionsQuestion, Sessions)
SESSIONS_END = Method(DB, "sessions.end", SessionsEnd, Ended)
API_KEYS = Method(DB, "api_keys.list", ApiKeysQuestion, ApiKeys)
API_KEY_ADD = Method(DB, "api_keys.add", ApiKeyAdd, Nothing)
API_KEY_FIND = Method(DB, "api_keys.find", ApiKeyQuestion, ApiKeyFound)
API_KEY_REVOKE = Method(DB, "api_keys.revoke", ApiKeyRevoke, Done)
PEOPLE_RULES = Method(DB, "people.rules", PeopleRules, Nothing)
