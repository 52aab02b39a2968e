"""The platform's own certificate authority, in files: an off-line root, an intermediate, and a leaf per program."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from central_hub.domain.authority import GATEWAY, LEAF_LIFETIME_S, OPERATOR, Issued, Names, Register, due, is_due
from central_hub.ports import HubError
from contracts.ports import PORTS
from kit import private_file

if TYPE_CHECKING:
    from cryptography import x509

    from kit import pki
    from kit.tls import Identity

# kit.pki and what it needs are imported where something is issued: most starts issue nothing, and it costs a tenth
# of a second

NATS = "nats"
SERVER = ("api-gateway", "data-bridge", "trading-engine", "database-service", "central-hub")
HOLDERS = (NATS, *SERVER, OPERATOR)
""" everything on the server that connects or is connected to """
RELOADED_S = 5.0
"""After so long every program has noticed that its files have changed."""


def _now_ms() -> int:
    import time

    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class CaFiles:
    """Below `secrets`. Call `open` at every start, then `renew` again and again; each returns whose leaf is new."""

    secrets: Path
    names: Names = field(default_factory=Names)
    lifetime_s: int = LEAF_LIFETIME_S
    now_ms: Callable[[], int] = _now_ms

    @property
    def folder(self) -> Path:
        """Root, intermediate and register."""
        return self.secrets / "ca"

    @property
    def offline(self) -> Path:
        """Keys that the running platform does not need: move this folder to a safe place."""
        return self.folder / "offline"

    @property
    def root_key(self) -> Path:
        """Signs intermediates."""
        return self.offline / "root.key"

    @property
    def next_root_key(self) -> Path:
        """The key of the root after this one; its pin is with every terminal already."""
        return self.offline / "next-root.key"

    @property
    def root(self) -> Path:
        """What everybody trusts: the root, and while it is being replaced the one before it."""
        return self.folder / "root.pem"

    @property
    def backup_pin(self) -> Path:
        """The pin of `next_root_key`."""
        return self.folder / "backup.pin"

    @property
    def rotation_public(self) -> Path:
        """Verifies documents that change the pins; its private part lies off-line."""
        return self.folder / "rotation.pub"

    def leaf_folder(self, holder: str) -> Path:
        """Where a program finds its certificate."""
        return self.secrets / "tls" / holder

    def open(self) -> tuple[str, ...]:
        """Make what is missing and renew what is due. HubError, one sentence, when that is not possible."""
        with self._alone():
            if not (self.folder / "register.json").exists():
                self._found()
            register = self.register()
            if register.names != self.names.all:
                register = self._sign_intermediate("the names in AITRADING_TLS_NAMES have changed")
            elif is_due(register.intermediate, self.now_ms()) and self.root_key.exists():
                register = self._sign_intermediate("")
            return self._issue_due(register)

    def renew(self, *, everything: bool = False) -> tuple[str, ...]:
        """Renew what is due, or all."""
        with self._alone():
            register = self.register()
            return self._issue_due(msgspec.structs.replace(register, leafs={}) if everything else register)

    def renew_intermediate(self) -> tuple[str, ...]:
        """A new intermediate with a new key, and leafs of it for everybody. Old leafs stay good until they end."""
        with self._alone():
            return self._issue_due(self._sign_intermediate("a new intermediate is to be made"))

    def announce_next_root(self) -> None:
        """Make the next root and let every program trust it beside the present one. Give them `RELOADED_S` to notice,
        then `rotate_root`."""
        from kit import pki

        with self._alone():
            roots = self._roots()
            if self._half_rotated(roots):
                return  # every program trusts both already; `rotate_root` goes on
            key = self._key(self.next_root_key, "the next root is to be made")
            if len(roots) == 2 and roots[1].public_key() != key.public_key():
                raise HubError(
                    "The root was replaced already and the old one is still trusted: when every terminal has connected "
                    "once, run `aitrading ca rotate-root --forget-old`, and only then change it again."
                )
            # one that was announced before stays: terminals were told of this very certificate
            if len(roots) == 1:
                made = pki.make_root(now_ms=self.now_ms(), key=key).certificate
                private_file.replace(self.root, pki.pem(roots[0], made))
            for holder in HOLDERS:
                private_file.replace(self.leaf_folder(holder) / "ca.pem", self.root.read_bytes())

    def rotate_root(self) -> tuple[str, ...]:
        """Make the announced root the root, with a new intermediate and new leafs below it. The old one stays trusted
        beside it, so that nothing is cut off; `forget_old_root` ends that once every terminal has connected again.

        Interrupted anywhere, the platform runs on with what it has, and the next call finishes what this one began.
        """
        from kit import pki
        from kit.tls import spki_pin

        with self._alone():
            roots = self._roots()
            if not self._half_rotated(roots):
                key = self._key(self.next_root_key, "the next root is to sign")
                if len(roots) != 2 or roots[1].public_key() != key.public_key():
                    raise HubError("The next root was not announced: run `aitrading ca rotate-root`.")
                private_file.replace(self.root_key, pki.key_pem(key))
            new = self._signing_root("the next root is to sign").certificate
            private_file.replace(self.root, pki.pem(new, *(one for one in roots if one != new)))
            if self.backup_pin.read_text() == spki_pin(pki.der(new)):
                self._spare()
            now = self.now_ms()
            fresh = Issued(now, now + pki.ROOT_LIFETIME_S * 1000, "itself")
            self._keep(msgspec.structs.replace(self.register(), root=fresh))
            return self._issue_due(self._sign_intermediate("the root was replaced"))

    def forget_old_root(self) -> tuple[str, ...]:
        """Trust the present root only. HubError while a change of the root is not finished."""
        from kit import pki
        from kit.tls import spki_pin

        with self._alone():
            roots = self._roots()
            announced = self.backup_pin.read_text() in [spki_pin(pki.der(root)) for root in roots]
            if announced or not self._issued_by(roots[0]):
                raise HubError("The change of the root is not finished: run `aitrading ca rotate-root` first.")
            private_file.replace(self.root, pki.pem(roots[0]))
            return self._issue_due(msgspec.structs.replace(self.register(), leafs={}))

    def _roots(self) -> "list[x509.Certificate]":
        from kit import pki

        return pki.read_chain(self.root.read_bytes())

    def _half_rotated(self, roots: "list[x509.Certificate]") -> bool:
        """Whether `rotate_root` was interrupted after its first step: the key of the root is that of the next."""
        from kit import pki
        from kit.tls import spki_pin

        key = self._key(self.root_key, "the root is to be replaced")
        return len(roots) == 2 and (
            roots[0].public_key() != key.public_key()
            or self.backup_pin.read_text() == spki_pin(pki.der(roots[0]))
            or not self._issued_by(roots[0])
        )

    def _issued_by(self, root: "x509.Certificate") -> bool:
        from cryptography.exceptions import InvalidSignature

        from kit import pki

        try:
            pki.read_chain((self.folder / "intermediate.pem").read_bytes())[0].verify_directly_issued_by(root)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _signing_root(self, why: str) -> "pki.Issuer":
        """The root whose key lies off-line: while one replaces the other it need not be the first."""
        from kit import pki

        key = self._key(self.root_key, why)
        for root in self._roots():
            if root.public_key() == key.public_key():
                return pki.Issuer(root, key)
        raise HubError(f"{self.root_key} does not belong to {self.root}: restore both from the same backup.")

    def sign_terminal(self, request: bytes, tenant: str, terminal_id: str) -> bytes:
        """The chain (PEM) for a terminal that proved to hold its key. CertificateRefused when it did not."""
        from kit import pki
        from kit.tls import Identity

        identity = Identity.terminal(tenant, terminal_id)
        key = pki.requested_key(request)
        with self._alone():  # not while its key is being replaced: the terminal would live a day with what nobody takes
            issuer, life = self._intermediate(), self._capped(self.lifetime_s)
        leaf = pki.make_leaf(issuer, key, identity, now_ms=self.now_ms(), lifetime_s=life)
        return pki.pem(leaf, issuer.certificate)

    def issue_program(self, folder: Path, tenant: str, name: str, lifetime_s: int) -> None:
        """A key and a certificate for a program of a tenant, as `cert.pem`, `key.pem` and `ca.pem` in `folder`."""
        from kit import pki
        from kit.tls import Identity

        issuer, key = self._intermediate(), pki.make_key()
        identity = Identity.program(tenant, name)
        life = self._capped(lifetime_s)
        leaf = pki.make_leaf(issuer, key.public_key(), identity, now_ms=self.now_ms(), lifetime_s=life)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            private_file.replace(folder / "key.pem", pki.key_pem(key))
            private_file.replace(folder / "cert.pem", pki.pem(leaf, issuer.certificate))
            private_file.replace(folder / "ca.pem", self.root.read_bytes())
        except OSError as error:
            raise HubError(f"{folder} can't be written ({error.strerror}): choose another with --out.") from None

    def register(self) -> Register:
        """What was issued; HubError when the record is damaged."""
        file = self.folder / "register.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=Register)
        except (OSError, msgspec.MsgspecError) as error:
            raise HubError(
                f"The authority's record {file} can't be used ({error}): start the platform once with `aitrading up`, "
                f"or restore {self.folder} from a backup."
            ) from None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The hub and the command line may both renew: one after the other."""
        try:
            for folder in (self.secrets, self.folder, self.offline, self.secrets / "tls"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            raise HubError(
                f"The certificates in {self.secrets} can't be made ({error}): see who owns the folder, or restore it "
                f"from a backup."
            ) from None

    def _found(self) -> None:
        from kit import pki
        from kit.keys import make_private_key, public_text

        now = self.now_ms()
        root = pki.make_root(now_ms=now)
        private_file.replace(self.root_key, pki.key_pem(root.key))
        private_file.replace(self.root, pki.pem(root.certificate))
        self._spare()
        private_file.replace(
            self.rotation_public, public_text(make_private_key(self.offline / "rotation.key")).encode()
        )
        nothing = Issued(0, 0, "")
        self._keep(Register(Issued(now, now + pki.ROOT_LIFETIME_S * 1000, "itself"), nothing, ""))
        self._sign_intermediate("")

    def _spare(self) -> None:
        from kit import pki
        from kit.tls import spki_pin

        spare = pki.make_key()
        private_file.replace(self.next_root_key, pki.key_pem(spare))
        pin = spki_pin(pki.der(pki.make_root(now_ms=self.now_ms(), key=spare).certificate))
        private_file.replace(self.backup_pin, pin.encode())

    def _key(self, file: Path, why: str) -> "pki.Key":
        from kit import pki

        try:
            return pki.read_key(file.read_bytes())
        except (OSError, ValueError) as error:
            raise HubError(
                f"{file} can't be read ({error}) and is needed because {why}: bring the folder `offline` back for this "
                f"one command."
            ) from None

    def _sign_intermediate(self, why: str) -> Register:
        from kit import pki

        now = self.now_ms()
        root = self._signing_root(why or "the intermediate's time is nearly over")
        made = pki.make_intermediate(
            root,
            now_ms=now,
            dns=self.names.hosts,
            networks=[f"{one}/{128 if ':' in one else 32}" for one in self.names.addresses],
        )
        # whoever is interrupted here finds it due at the next start, instead of a key that does not fit its certificate
        self._keep(msgspec.structs.replace(self.register(), intermediate=Issued(0, 0, "")))
        private_file.replace(self.folder / "intermediate.key", pki.key_pem(made.key))
        private_file.replace(self.folder / "intermediate.pem", pki.pem(made.certificate))
        register = Register(
            self.register().root,
            Issued(now, now + pki.INTERMEDIATE_LIFETIME_S * 1000, "root"),
            f"{made.certificate.serial_number:x}"[:16],
            self.names.all,
        )
        self._keep(register)
        return register

    def _intermediate(self) -> "pki.Issuer":
        from kit import pki

        chain = pki.read_chain((self.folder / "intermediate.pem").read_bytes())
        key = self._key(self.folder / "intermediate.key", "certificates are to be signed")
        return pki.Issuer(chain[0], key)

    def _capped(self, lifetime_s: int) -> int:
        left = (self.register().intermediate.until_ms - self.now_ms()) // 1000
        if left <= 0:
            raise HubError(
                "The intermediate certificate has expired: run `aitrading ca renew-intermediate` with the folder "
                "`offline` in its place."
            )
        return min(lifetime_s, left)

    def _issue_due(self, register: Register) -> tuple[str, ...]:
        holders = {holder: self._has_files(holder) for holder in HOLDERS}
        wanted = due(register, holders, self.now_ms())
        if not wanted:
            return ()
        # whoever is interrupted here finds them missing from the record and makes them again
        kept = {holder: leaf for holder, leaf in register.leafs.items() if holder not in wanted}
        self._keep(msgspec.structs.replace(register, leafs=kept))
        issuer, now, life = self._intermediate(), self.now_ms(), self._capped(self.lifetime_s)
        for holder in wanted:
            self._issue(issuer, holder, now, life)
        fresh = {holder: Issued(now, now + life * 1000, register.intermediate_key) for holder in wanted}
        self._keep(msgspec.structs.replace(register, leafs=kept | fresh))
        return wanted

    def _has_files(self, holder: str) -> bool:
        folder = self.leaf_folder(holder)
        return all((folder / name).exists() for name in ("cert.pem", "key.pem", "ca.pem"))

    def _issue(self, issuer: "pki.Issuer", holder: str, now_ms: int, life_s: int) -> None:
        from kit import pki
        from kit.tls import host_of

        folder = self.leaf_folder(holder)
        folder.mkdir(exist_ok=True, mode=0o700)
        key = pki.make_key()
        public = self.names if holder == GATEWAY else Names()
        leaf = pki.make_leaf(
            issuer,
            key.public_key(),
            _identity(holder),
            now_ms=now_ms,
            lifetime_s=life_s,
            dns=(host_of(holder), "localhost", *public.hosts),
            addresses=("127.0.0.1", "::1", *public.addresses),
            server=holder != OPERATOR,
        )
        private_file.replace(folder / "key.pem", pki.key_pem(key))
        private_file.replace(folder / "cert.pem", pki.pem(leaf, issuer.certificate))
        private_file.replace(folder / "ca.pem", self.root.read_bytes())

    def _keep(self, register: Register) -> None:
        private_file.replace(
            self.folder / "register.json", msgspec.json.format(msgspec.json.encode(register), indent=1)
        )


def _identity(holder: str) -> "Identity":
    from kit.tls import Identity

    if holder == OPERATOR:
        return Identity.operator()
    return Identity.engine(holder) if holder not in PORTS else Identity.service(holder)
