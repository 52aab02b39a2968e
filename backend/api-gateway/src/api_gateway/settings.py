"""Settings of the gateway, each with why it is there."""

from pathlib import Path

from api_gateway.domain.pace import CHANGES_PER_MINUTE, READS_PER_MINUTE
from api_gateway.domain.peers import Network, networks
from contracts.ports import PORTS
from kit.listening import ALWAYS, AUTO, Wire, wire_of
from kit.settings import ServiceSettings

BESIDE_THE_CODE = Path(__file__).resolve().parents[4] / "web" / "dist"
"""Where `make web` puts the dashboards when the gateway runs from the repository."""


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """What the gateway reads from its environment."""

    port: int = PORTS["api-gateway"]
    """The port that browsers open."""
    token_key: Path = Path()
    """Private key that signs session tokens; `secrets/token.key` of the data directory unless set."""
    people_key: Path = Path()
    """Key that seals secrets of second factors; `secrets/people.key` of the data directory unless set."""
    breached_passwords: Path = Path()
    """A file of SHA-1 hashes of breached passwords, sorted, as Have I Been Pwned hands it out; refused in addition to
    the list that is built in."""
    setup_code_path: Path = Path()
    """File with the one-time code for the first user; `secrets/setup.code` of the data directory unless set."""
    web_dir: Path = Path()
    """The built dashboards; `web/dist` of the repository unless set."""
    public_url: str = ""
    """The address that browsers open when it is not this machine's, as https://trade.example.org; https makes the
    cookie Secure and adds HSTS."""
    tls: str = AUTO
    """`auto`: plain HTTP on loopback, https (TLS 1.3) on every other address; `always`: https on loopback, too."""
    tls_cert: Path | None = None
    """The operator's own certificate with its chain (PEM), instead of the platform's; a renewed file is picked up."""
    tls_key: Path | None = None
    """Its private key (PEM), readable by its owner only."""
    program_certificates: bool = False
    """Over https, ask callers for a certificate of the platform's root and bind a program's tokens to it; who has none
    comes in as well. A browser that holds certificates of its own may ask its user which one to show."""
    published_on_loopback: bool = False
    """In a container: the address inside is no loopback, yet its port is published on the host's loopback only, so
    plain HTTP is right. Whoever publishes it elsewhere sends passwords in plain text."""

    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (10.0.0.0/8) of the reverse proxies in front; only from them X-Forwarded-For is believed.
    Limits count the true peer."""
    reads_per_minute: int = READS_PER_MINUTE
    """Questions that one user may ask in a minute; a tenant five times, an address three times as many."""
    changes_per_minute: int = CHANGES_PER_MINUTE
    """Changes, orders among them, that one user may ask for in a minute; a tenant five times as many."""

    def __post_init__(self) -> None:
        self.trusted_networks()
        for name, value in (("READS", self.reads_per_minute), ("CHANGES", self.changes_per_minute)):
            if value < 1:
                raise ValueError(f"AITRADING_API_GATEWAY_{name}_PER_MINUTE={value} is not valid: 1 or more")
        if self.tls not in (AUTO, ALWAYS):
            raise ValueError(f"AITRADING_API_GATEWAY_TLS={self.tls!r} is not valid: use auto or always")
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise ValueError("set both AITRADING_API_GATEWAY_TLS_CERT and AITRADING_API_GATEWAY_TLS_KEY, or neither")

    def trusted_networks(self) -> tuple[Network, ...]:
        """The proxies in front; ValueError when one of them is no network."""
        try:
            return networks(self.trusted_proxies)
        except ValueError as error:
            raise ValueError(f"AITRADING_API_GATEWAY_TRUSTED_PROXIES: {error}") from None

    def wire(self) -> Wire:
        """What is spoken on the port."""
        return wire_of(
            self.host,
            self.tls,
            published_on_loopback=self.published_on_loopback,
            certificate=self.tls_cert is not None,
        )

    def token_key_file(self) -> Path:
        """Where the token key is."""
        return self.token_key if self.token_key != Path() else self.data_dir / "secrets" / "token.key"

    def people_key_file(self) -> Path:
        """Where the people key is."""
        return self.people_key if self.people_key != Path() else self.data_dir / "secrets" / "people.key"

    def setup_code_file(self) -> Path:
        """Where the setup code is, while there is one."""
        return self.setup_code_path if self.setup_code_path != Path() else self.data_dir / "secrets" / "setup.code"

    def web_folder(self) -> Path:
        """Where the dashboards are."""
        return self.web_dir if self.web_dir != Path() else BESIDE_THE_CODE
