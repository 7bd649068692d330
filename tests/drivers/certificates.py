"""A little authority of our own: certificates for a broker and for those that it lets in, made by OpenSSL."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """Files, PEM; `stranger` is signed by nobody we know."""

    ca: Path
    broker: Path
    broker_key: Path
    gateway: Path
    gateway_key: Path
    stranger: Path
    stranger_key: Path


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def _key(folder: Path, name: str) -> tuple[Path, Path]:
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
    return certificate, key


def _self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = _key(folder, name)
    usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    _openssl("req", "-x509", "-key", str(key), "-subj", f"/CN={name}", "-days", "2", *usage, "-out", str(certificate))
    return certificate, key


def _signed(folder: Path, name: str, ca: tuple[Path, Path]) -> tuple[Path, Path]:
    certificate, key = _key(folder, name)
    request, extra = folder / f"{name}.csr", folder / f"{name}.ext"
    extra.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    _openssl("req", "-new", "-key", str(key), "-subj", f"/CN={name}", "-out", str(request))
    signer = ("-CA", str(ca[0]), "-CAkey", str(ca[1]), "-CAcreateserial", "-days", "2", "-extfile", str(extra))
    _openssl("x509", "-req", "-in", str(request), *signer, "-out", str(certificate))
    return certificate, key


@cache
def certificates() -> Certificates:
    """Made once a test run; skips where there is no OpenSSL."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: openssl is not installed; expected `apt install openssl`")
    folder = Path(tempfile.mkdtemp(prefix="certificates"))
    ca = _self_signed(folder, "authority")
    broker, gateway = _signed(folder, "broker", ca), _signed(folder, "gateway", ca)
    return Certificates(ca[0], *broker, *gateway, *_self_signed(folder, "stranger"))
