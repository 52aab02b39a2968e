"""`aitrading trust`: show the platform's root, hand it out, and make this machine's browsers trust it."""

import argparse
from pathlib import Path

from central_hub.adapters.datadir import DataDir
from central_hub.adapters.trust_plan import plan
from central_hub.adapters.trust_stores import carry_out, this_machine
from central_hub.ports import HubError
from kit import private_file

ELSEWHERE = """\
Another PC: copy the exported file there and install it as a root for web pages; on Windows double-click it and choose
  "Trusted Root Certification Authorities", on macOS open it with Keychain Access and set "Always Trust".
Android: Settings, Security, Encryption & credentials, Install a certificate, CA certificate.
iPhone, iPad: open the file, install the profile in Settings, then switch it on in General, About, Certificate Trust
  Settings.
Carry the file on a way that you trust, and compare the SHA-256 fingerprint on the other side before you say yes:
whoever holds the root's private key (secrets/ca/offline/root.key) can speak for any web page to those who trust it."""


def run(options: argparse.Namespace) -> int:
    """Print what the root is; with --export and --install do that as well. Exit code 1 when a place refused."""
    root = DataDir(options.data).secrets / "ca" / "root.pem"
    try:
        pem = root.read_bytes()
    except OSError as error:
        raise HubError(
            f"{root} can't be read ({error.strerror}): the hub makes it at the first `aitrading up`."
        ) from None
    digest, pin, ends = _facts(root, pem)
    print(f"root         {root}")
    print(f"SHA-256      {':'.join(digest[n : n + 2] for n in range(0, 64, 2)).upper()}")
    print(f"key pin      {pin}")
    print(f"valid until  {ends}")
    if options.export is not None:
        _export(options.export, pem)
        print(f"exported to  {options.export}")
    failed = _install(root, digest[:8].upper(), dry=not options.install)
    print(ELSEWHERE)
    return 1 if failed else 0


def _facts(root: Path, pem: bytes) -> tuple[str, str, str]:
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from kit.tls import spki_pin

    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise HubError(f"{root} is not a certificate: {error}") from None
    der = certificate.public_bytes(Encoding.DER)
    return hashlib.sha256(der).hexdigest(), spki_pin(der), f"{certificate.not_valid_after_utc:%Y-%m-%d}"


def _export(target: Path, pem: bytes) -> None:
    # never over something else: a root that replaces another one silently is how people get fooled
    if target.exists() and target.read_bytes() != pem:
        raise HubError(f"{target} exists and is something else: choose another name.")
    private_file.replace(target, pem, mode=0o644)


def _install(root: Path, mark: str, *, dry: bool) -> bool:
    """Whether a place refused."""
    failed = False
    print("With --install it is put here:" if dry else "Installing:")
    for step in plan(this_machine(), root, mark):
        if step.why_not:
            print(f"  {step.place}: not possible, {step.why_not}")
            continue
        if dry:
            commands = [f"copy to {step.copy_to}"] * (step.copy_to is not None) + [" ".join(c) for c in step.run]
            print(f"  {step.place}: {'; '.join(commands)}")
            continue
        try:
            carry_out(step, root)
            print(f"  {step.place}: done; `{step.undo}` takes it out again")
        except (HubError, OSError) as error:
            failed = True
            print(f"  {step.place}: FAILED, {error}")
    return failed
