"""sslyze on every port that speaks TLS, those that want a client certificate included: TLS 1.3 and nothing else."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from town import Town

Counted = Callable[[int, int], None]

OLD = ("ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2")
SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
CURVES = {"X25519", "prime256v1", "secp256r1", "secp384r1"}
SCANS = (
    *("--certinfo", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--elliptic_curves", "--early_data"),
    *("--reneg", "--compression", "--heartbleed", "--openssl_ccs", "--fallback", "--robot", "--ems", "--resum"),
)
OPEN_TO_BROWSERS = ("api-gateway", "data-bridge", "nats")
"""Ports that can be watched without a certificate: only there can sslyze judge by Mozilla's list itself. With
a client's P-256 key its probe for SSL 2 breaks, and without one it says nothing at all and ends with 0."""


def scanned(town: Town, program: str, tool: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    trusted = ("--certinfo_ca_file", str(town.root))
    return subprocess.run(
        [tool, *trusted, *arguments, f"localhost:{town.stage.ports[program]}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def faults(results: dict[str, Any]) -> list[str]:
    """What Mozilla's modern list and N10 forbid."""

    def of(name: str) -> Any:
        assert results[name]["status"] == "COMPLETED", (name, results[name].get("error_trace"))
        return results[name]["result"]

    found = [f"speaks {name}" for name in OLD if of(f"{name}_cipher_suites")["accepted_cipher_suites"]]
    suites = {s["cipher_suite"]["name"] for s in of("tls_1_3_cipher_suites")["accepted_cipher_suites"]}
    curves = {c["name"] for c in of("elliptic_curves")["supported_curves"]}
    if not suites or not suites <= SUITES:
        found.append(f"suites {suites}")
    if not curves or not curves <= CURVES:
        found.append(f"groups {curves}")
    if of("tls_1_3_early_data")["supports_early_data"]:
        found.append("takes early data")
    if of("tls_compression")["supports_compression"]:
        found.append("compresses")
    if of("session_renegotiation")["is_vulnerable_to_client_renegotiation_dos"]:
        found.append("renegotiates")
    if of("heartbleed")["is_vulnerable_to_heartbleed"] or of("openssl_ccs_injection")["is_vulnerable_to_ccs_injection"]:
        found.append("is as old as Heartbleed")
    for deployment in of("certificate_info")["certificate_deployments"]:
        leaf = deployment["received_certificate_chain"][0]
        ours = [p for p in deployment["path_validation_results"] if p["trust_store"]["name"].startswith("Supplied")]
        if not ours or not all(p["was_validation_successful"] for p in ours):
            found.append("its chain does not lead to our root")
        if leaf["public_key"].get("ec_curve_name") != "secp256r1":
            found.append(f"key {leaf['public_key']}")
    return found


def test_N10_every_port_speaks_tls_1_3_and_nothing_else(
    town: Town, tool: Callable[[str], str], tmp_path: Path, counted: Counted
) -> None:
    program, operator = tool("sslyze"), town.stage.data / "secrets" / "tls" / "operator"
    shown = ("--cert", str(operator / "cert.pem"), "--key", str(operator / "key.pem"))
    wrong: dict[str, list[str]] = {}
    for name in town.stage.ports:
        report = tmp_path / f"{name}.json"
        done = scanned(
            town, name, program, tmp_path, *SCANS, *shown, "--json_out", str(report), "--mozilla_config=disable"
        )
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-1_000:]
        (result,) = json.loads(report.read_text())["server_scan_results"]
        assert result["scan_status"] == "COMPLETED", (name, done.stdout[-2_000:])
        if found := faults(result["scan_result"]):
            wrong[name] = found
    assert wrong == {}
    counted(len(town.stage.ports) * len(SCANS), 6 * len(SCANS))


@pytest.mark.parametrize("name", OPEN_TO_BROWSERS)
def test_N10_mozilla_would_call_it_modern(
    name: str, town: Town, tool: Callable[[str], str], tmp_path: Path, counted: Counted
) -> None:
    done = scanned(town, name, tool("sslyze"), tmp_path, "--mozilla_config", "modern")
    assert done.returncode == 0, done.stdout[-3_000:]
    assert "OK - Compliant" in done.stdout, "sslyze ends with 0 when it looked at nothing"
    counted(1, 1)
