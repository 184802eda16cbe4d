"""Certificates and keys: from Java's stores (PKCS12) or PEM files to the files that PyMongo reads.

Source: ``MongoDbClientFactory.createSSLContext`` of Debezium 3.6.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.config import Config
from headwater.source import SourceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates

PKCS12, PEM = "PKCS12", "PEM"


def check_store_type(text: str | None) -> str | None:
    """A validator."""
    if text is None or text.strip().upper() in (PKCS12, PEM):
        return None
    return f"must be {PKCS12} or {PEM}; other stores can be converted: keytool -importkeystore -deststoretype PKCS12"


@contextlib.contextmanager
def driver_files(config: Config) -> Iterator[dict[str, str]]:
    """The driver's settings for the configured stores; the files that they name may be gone after the block.

    Raises `SourceError` where a store can't be read, without what is in it.
    """
    if not config["mongodb.ssl.truststore"] and not config["mongodb.ssl.keystore"]:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
        yield {**_trusted(config, Path(folder)), **_own(config, Path(folder))}


def _trusted(config: Config, folder: Path) -> dict[str, str]:
    name = "mongodb.ssl.truststore"
    if not config[name]:
        return {}
    if _is_pem(config, name):
        return {"tlsCAFile": config[name]}
    from cryptography.hazmat.primitives.serialization import Encoding

    store = _read(config, name)
    found = [store.cert, *store.additional_certs] if store.cert else store.additional_certs
    if not found:
        raise SourceError(f"{name} {config[name]} has no certificate")
    file = folder / "trusted.pem"
    file.write_bytes(b"".join(each.certificate.public_bytes(Encoding.PEM) for each in found))
    return {"tlsCAFile": str(file)}


def _own(config: Config, folder: Path) -> dict[str, str]:
    """Key and certificates of our own; the key goes by a file that nobody else can read the key from."""
    name = "mongodb.ssl.keystore"
    if not config[name]:
        return {}
    password = config[f"{name}.password"]
    if _is_pem(config, name):
        return {"tlsCertificateKeyFile": config[name]} | (
            {"tlsCertificateKeyFilePassword": password} if password else {}
        )
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    store = _read(config, name)
    if store.key is None or store.cert is None:
        raise SourceError(f"{name} {config[name]} has no private key with its certificate")
    once = secrets.token_urlsafe()
    encryption = BestAvailableEncryption(once.encode())
    chain = (each.certificate.public_bytes(Encoding.PEM) for each in (store.cert, *store.additional_certs))
    file = folder / "own.pem"
    file.write_bytes(store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) + b"".join(chain))
    return {"tlsCertificateKeyFile": str(file), "tlsCertificateKeyFilePassword": once}


def _is_pem(config: Config, name: str) -> bool:
    return bool(config[f"{name}.type"].strip().upper() == PEM)


def _read(config: Config, name: str) -> PKCS12KeyAndCertificates:
    file, password = config[name], config[f"{name}.password"]
    try:
        from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
    except ModuleNotFoundError as error:
        raise SourceError(f"{name} needs the Python package cryptography: pip install 'headwater[mongodb]'") from error
    try:
        return load_pkcs12(Path(file).read_bytes(), password.encode() if password else None)
    except OSError as error:
        raise SourceError(f"{name} {file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SourceError(
            f"{name} {file} can't be read: {error} (is {name}.password right, and {name}.type={PKCS12}?)"
        ) from error
