"""The lab's own certificates: one CA, the API server, an administrator, and the key pair of service accounts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=365)
_SERVER_NAMES = ("localhost", "kubernetes.default.svc")


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of the PEM files; keys are readable by their owner only."""

    ca: Path
    server_cert: Path
    server_key: Path
    admin_cert: Path
    admin_key: Path
    accounts_public: Path
    accounts_private: Path


@dataclass(frozen=True, slots=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def write(folder: Path) -> Pki:
    """Make a fresh set in ``folder``, good for a year; names 127.0.0.1, localhost and kubernetes.default.svc."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority()
    accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    names = x509.SubjectAlternativeName([*addresses, *map(x509.DNSName, _SERVER_NAMES)])
    server_cert, server_key = _issue(authority, _name("kube-apiserver"), names)
    admin_cert, admin_key = _issue(authority, _name("admin", "system:masters"), None)
    public = accounts.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Pki(
        ca=_put(folder / "ca.crt", _certificate_pem(authority.certificate)),
        server_cert=_put(folder / "server.crt", server_cert),
        server_key=_put(folder / "server.key", server_key),
        admin_cert=_put(folder / "admin.crt", admin_cert),
        admin_key=_put(folder / "admin.key", admin_key),
        accounts_public=_put(folder / "accounts.pub", public),
        accounts_private=_put(folder / "accounts.key", _key_pem(accounts)),
    )


def _authority() -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("microglia lab")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return _Authority(key, builder.sign(key, hashes.SHA256()))


def _issue(authority: _Authority, subject: x509.Name, names: x509.SubjectAlternativeName | None) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    use = ExtendedKeyUsageOID.CLIENT_AUTH if names is None else ExtendedKeyUsageOID.SERVER_AUTH
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = _builder(subject, authority.certificate.subject, key.public_key())
    builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    builder = builder.add_extension(issuer, critical=False)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return _certificate_pem(builder.sign(authority.key, hashes.SHA256())), _key_pem(key)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Clocks in containers are set back now and then; a certificate from the future is refused.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
    )


def _name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(parts)


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _put(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
