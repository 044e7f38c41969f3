"""An authority of the tests' own with its certificates, and a broker that speaks TLS and SASL with them and asks who may."""
import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives import serialization

from pipelines.children import free_port

NOW = dt.datetime.now(dt.UTC)
USER, PASSWORD = "reader", "pa55, wörd=&"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PROTOCOLS = {"TLS": "SSL", "MTLS": "SSL", "EXPIRED": "SSL", "ELSEWHERE": "SSL", "ADVERTISED": "SSL", "SASL": "SASL_SSL",
             "SCRAM256": "SASL_SSL", "CLEAR": "SASL_PLAINTEXT"}
LOGIN = {"plain": f'plain.PlainLoginModule required user_{USER}="{PASSWORD}"'} | {
    f"scram-sha-{bits}": "scram.ScramLoginModule required" for bits in (256, 512)}


@dataclass
class Certificates:
    """Files in PEM: authorities, and certificates with their keys."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        past, coming = NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=2)
        self.authority = self._write("ca", self.ca.cert_pem.bytes())
        self.stranger = self._write("stranger", trustme.CA().cert_pem.bytes())
        self.server = self._issue("server", coming, "localhost", "127.0.0.1")
        self.expired = self._issue("expired", past, "localhost", "127.0.0.1")
        self.elsewhere = self._issue("elsewhere", coming, "elsewhere.example")
        self.numbered = self._issue("numbered", coming, "127.0.0.1")
        self.client = self._issue(USER, coming, "reader@textpulse.example")
        self.stale = self._issue("stale", past, "stale@textpulse.example")

    def of_user(self, name: str) -> Path:
        """One more of a client, for whoever may read it alone."""
        made = self._issue(name, NOW + dt.timedelta(days=2), f"{name}@textpulse.example")
        made.chmod(0o600)
        return made

    def locked_key(self, password: bytes) -> Path:
        """The client's key, encrypted."""
        key = serialization.load_pem_private_key(self.client.read_bytes(), None)
        return self._write("locked", _pem(key, serialization.BestAvailableEncryption(password)))

    def _issue(self, name: str, until: dt.datetime, *identities: str) -> Path:
        made = self.ca.issue_cert(*identities, common_name=name, not_before=NOW - dt.timedelta(days=3), not_after=until)
        key = serialization.load_pem_private_key(made.private_key_pem.bytes(), None)
        return self._write(name, _pem(key, serialization.NoEncryption()) + b"".join(part.bytes() for part in made.cert_chain_pems))

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / f"{name}.pem"
        path.write_bytes(content)
        return path


def _pem(key: object, how: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)   # Java reads PKCS #8 alone


@dataclass
class Secured:
    """A broker's addresses by listener, and the files for it. plain: where who connects may do all."""

    plain: str
    addresses: dict[str, str]
    certificates: Certificates
    reauthentication_s: float = 1.5

    def allow(self, user: str, name: str, *operations: str, kind: str = "TOPIC") -> None:
        """An ACL for each operation, and waits until they count."""
        from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

        with self._admin() as admin:
            admin.create_acls([
                ACL(f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.ALLOW, ResourcePattern(ResourceType[kind], name))
                for operation in operations])

    def add_user(self, name: str, password: str) -> None:
        """A user of both SCRAM mechanisms, or another password for one."""
        from kafka.admin import UserScramCredentialUpsertion

        with self._admin() as admin:
            for mechanism in MECHANISMS[1:]:
                assert admin.alter_user_scram_credentials([UserScramCredentialUpsertion(name, mechanism, password)]) == {name: None}

    def remove_user(self, name: str) -> None:
        """What it has open stays so until it is asked again."""
        from kafka.admin import UserScramCredentialDeletion

        with self._admin() as admin:
            for mechanism in MECHANISMS[1:]:
                assert admin.alter_user_scram_credentials([UserScramCredentialDeletion(name, mechanism)]) == {name: None}

    def _admin(self) -> AbstractContextManager[Any]:
        from pipelines.broker import connect_admin

        return closing(connect_admin(self.plain, 30.0))


@contextmanager
def secured_broker(folder: Path) -> Iterator[Secured]:
    """One broker with a listener for each way in. Who comes by PLAINTEXT or TLS without a certificate may do all, others what ACLs say."""
    from pipelines.broker import broker_cache, open_broker

    certificates = Certificates(folder)
    ports = {name: free_port() for name in PROTOCOLS}
    with open_broker(broker_cache(), folder / "broker.log", settings=settings(certificates), listeners=ports) as running:
        made = Secured(running.bootstrap, {name: f"localhost:{port}" for name, port in ports.items()}, certificates)
        made.add_user(USER, PASSWORD)
        yield made


def settings(certificates: Certificates) -> dict[str, str]:
    """Lines of server.properties."""
    kept = dict.fromkeys(("TLS", "MTLS", "SASL", "SCRAM256"), certificates.server) | {
        "EXPIRED": certificates.expired, "ELSEWHERE": certificates.elsewhere, "ADVERTISED": certificates.numbered}
    lines = {
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in (PROTOCOLS | {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"}).items()),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "listener.name.scram256.connections.max.reauth.ms": f"{Secured.reauthentication_s * 1000:.0f}",
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.mtls.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT"}
    for name, pem in kept.items():
        prefix = f"listener.name.{name.lower()}.ssl"
        lines |= {f"{prefix}.keystore.type": "PEM", f"{prefix}.keystore.location": str(pem),
                  f"{prefix}.truststore.type": "PEM", f"{prefix}.truststore.location": str(certificates.authority)}
    for name, mechanisms in (("SASL", MECHANISMS), ("CLEAR", MECHANISMS), ("SCRAM256", MECHANISMS[1:2])):
        prefix = f"listener.name.{name.lower()}"
        lines[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(mechanisms)
        lines |= {f"{prefix}.{mechanism}.sasl.jaas.config": f"org.apache.kafka.common.security.{module};"
                  for mechanism, module in LOGIN.items()}
    return {name: "".join(sign if sign.isascii() else f"\\u{ord(sign):04x}" for sign in value) for name, value in lines.items()}


