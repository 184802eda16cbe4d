"""Certificates of a test's own: an authority, and what it signs."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

LIFE = dt.timedelta(days=2)
"""Before now and behind it."""


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Identity:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def write_pem(self, file: Path) -> Path:
        """Key and certificate."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key + self.pem)
        return file

    def write_store(self, file: Path, password: str) -> Path:
        """Key and certificate as Java keeps them."""
        encryption = BestAvailableEncryption(password.encode())
        file.write_bytes(pkcs12.serialize_key_and_certificates(b"own", self.key, self.certificate, None, encryption))
        return file


class Authority(Identity):
    """Signs certificates."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        super().__init__(key, _certificate("authority", key, "authority", key, None))

    def sign(self, host: str) -> Identity:
        """A certificate for a host's name or address."""
        key = ec.generate_private_key(ec.SECP256R1())
        return Identity(key, _certificate(host, key, "authority", self.key, host))

    def write_trust_store(self, file: Path, password: str) -> Path:
        """The authority's certificate as Java keeps those that it trusts."""
        encryption = BestAvailableEncryption(password.encode())
        trusted = pkcs12.PKCS12Certificate(self.certificate, b"authority")
        file.write_bytes(pkcs12.serialize_java_truststore([trusted], encryption))
        return file


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    host: str | None,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LIFE)
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
