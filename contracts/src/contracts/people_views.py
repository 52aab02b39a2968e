"""What the browser sees of people: signing in, second factors, sessions, API keys, users. TypeScript is generated."""

import msgspec


class SecondFactorNeeded(msgspec.Struct, frozen=True):
    """401 to POST /api/v1/session when the password was right: a `Problem` that says how to go on.

    Answer within five minutes with POST /api/v1/session/second-factor. Also the 200 of POST /api/v1/session/challenge.
    """

    code: str
    reason: str
    error_id: str
    challenge: str
    methods: tuple[str, ...]
    """Of `totp`, `passkey`, `recovery`, and `password` where the person has no second factor."""
    passkey_options: str = ""
    """JSON for PublicKeyCredential.parseRequestOptionsFromJSON; empty when `passkey` is not among the methods."""


class SecondFactor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/session/second-factor and /api/v1/session/step-up: exactly one of the last four."""

    challenge: str
    totp: str = ""
    recovery: str = ""
    passkey: str = ""
    """JSON of the credential that the browser made, `JSON.stringify(credential)`."""
    password: str = ""
    """For step-up, by people without a second factor."""


class ProgramSignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/session/token: a program's session for a person. `totp` or `recovery` where they have one."""

    name: str
    password: str
    totp: str = ""
    recovery: str = ""


class ProgramTokens(msgspec.Struct, frozen=True):
    """A program's tokens. The refresh token is good once: the answer to it holds the next one."""

    access_token: str
    expires_ms: int
    refresh_token: str
    session: str


class Refresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/session/refresh."""

    refresh_token: str


class SessionView(msgspec.Struct, frozen=True):
    """A living session of one's own, or of a user for an administrator."""

    id: str
    user_id: str
    kind: str
    """`browser` or `program`."""
    created_ms: int
    seen_ms: int
    peer: str
    agent: str
    amr: tuple[str, ...]
    current: bool


class SessionsView(msgspec.Struct, frozen=True):
    """GET /api/v1/sessions."""

    sessions: tuple[SessionView, ...]


class PasskeyView(msgspec.Struct, frozen=True):
    """A passkey."""

    id: str
    name: str
    created_ms: int
    used_ms: int
    """0: never."""


class Me(msgspec.Struct, frozen=True):
    """GET /api/v1/me: oneself and one's second factors. `passkeys_possible` is false where the address is an IP."""

    name: str
    tenant: str
    role: str
    totp: bool
    passkeys: tuple[PasskeyView, ...]
    recovery_left: int
    mfa_required: bool
    passkeys_possible: bool
    password_changed_ms: int


class TotpOffer(msgspec.Struct, frozen=True):
    """POST /api/v1/me/totp: a new secret, active once a code of it comes with PUT /api/v1/me/totp in ten minutes."""

    challenge: str
    secret: str
    """Base32, to be typed where nothing can be scanned."""
    uri: str
    """otpauth://"""
    qr_svg: str
    """The same as a picture: an SVG document."""


class TotpConfirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PUT /api/v1/me/totp."""

    challenge: str
    totp: str


class PasskeyOffer(msgspec.Struct, frozen=True):
    """POST /api/v1/me/passkeys/challenge, or /api/v1/session/passkey to sign in without a password."""

    challenge: str
    options: str
    """JSON for PublicKeyCredential.parseCreationOptionsFromJSON (or parseRequestOptionsFromJSON)."""


class PasskeyNew(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/me/passkeys: the credential that the browser made from the offer, as JSON text."""

    challenge: str
    credential: str
    name: str


class SecondFactorAdded(msgspec.Struct, frozen=True):
    """A second factor is active. `recovery_codes` holds ten codes, shown this once, when the person had none before."""

    recovery_codes: tuple[str, ...]


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/me/password. Every other session of the person ends."""

    current: str
    new: str


class ApiKeyView(msgspec.Struct, frozen=True):
    """An API key without the key."""

    id: str
    name: str
    scopes: tuple[str, ...]
    cidrs: tuple[str, ...]
    created_ms: int
    expires_ms: int
    used_ms: int
    """To the minute; 0: never."""
    owner: str


class ApiKeysView(msgspec.Struct, frozen=True):
    """GET /api/v1/api-keys."""

    keys: tuple[ApiKeyView, ...]


class ApiKeyNew(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/api-keys. `scopes` of `read` and `trade`; `cidrs` empty: from anywhere; 1 to 365 days."""

    name: str
    scopes: tuple[str, ...]
    days: int
    cidrs: tuple[str, ...] = ()


class ApiKeyMade(msgspec.Struct, frozen=True):
    """The key, shown this once: send it as `Authorization: Bearer ak_…`."""

    key: str
    view: ApiKeyView


class StreamTicket(msgspec.Struct, frozen=True):
    """POST /api/v1/stream-ticket: the first message of a browser on its WebSocket. Good once, for 30 seconds."""

    ticket: str
    expires_ms: int


class UserView(msgspec.Struct, frozen=True):
    """A person, for administrators."""

    id: str
    name: str
    role: str
    disabled: bool
    created_ms: int
    totp: bool
    passkeys: int


class UsersView(msgspec.Struct, frozen=True):
    """GET /api/v1/users."""

    users: tuple[UserView, ...]


class UserNew(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/v1/users. `role` of viewer, trader, risk_manager, admin, auditor."""

    name: str
    role: str
    password: str


class UserPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PATCH /api/v1/users/{id}: what is not null. Less rights, disabling and a reset end all sessions of the person."""

    role: str | None = None
    disabled: bool | None = None
    reset_second_factor: bool = False


class PeopleRulesView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """GET and PUT /api/v1/people-rules: whether everyone of the tenant must have a second factor."""

    mfa_required: bool
