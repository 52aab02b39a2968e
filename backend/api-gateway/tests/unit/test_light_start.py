"""What only few people use is not imported by a gateway that starts."""

import subprocess
import sys


def test_a_gateway_starts_without_the_libraries_of_passkeys_and_qr_codes() -> None:
    code = "import sys, api_gateway.app; print({'webauthn', 'OpenSSL', 'segno'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set()"
