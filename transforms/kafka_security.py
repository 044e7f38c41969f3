"""How a broker lets us in: TLS and SASL as the options say. A secret is read only where a client is made, and kept nowhere else."""
import datetime as dt
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from privacy.secrets import read_text_secret

SASL_PASSWORD, KEY_PASSWORD = "TEXTPULSE_SASL_PASSWORD", "TEXTPULSE_SSL_KEY_PASSWORD"   # variables
NO_TLS = "choose --security-protocol PLAINTEXT or SASL_PLAINTEXT, or name the port of a TLS listener"
TLS_ALERTS = (0x15030100, 0x15030200, 0x15030300)   # how one begins (RFC 8446, 5.1), read as the length of a frame of Kafka's
OTHER_LISTENER = "it may be a listener of another --security-protocol"


class KafkaProblem(Exception):
    """The broker or a topic cannot be used: names it, and says what to do."""


@dataclass(frozen=True, slots=True)
class Security:
    """Protocol, mechanism and names as Apache Kafka has them; of a secret only the file where it stands (else its variable)."""

    protocol: str = "PLAINTEXT"
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    key_password_file: str = ""
    mechanism: str = ""
    username: str = ""
    password_file: str = ""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        """Whether a user and a password are asked for."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    @property
    def how(self) -> str:
        """Protocol, user and mechanism, for people."""
        return f"{self.protocol}, user {self.username!r} by {self.mechanism}" if self.sasl else self.protocol


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection failed and what to do. final: to try again is of no use."""

    why: str
    do: str = ""
    final: bool = True

    @property
    def hint(self) -> str:
        """Both, for one that is not final."""
        return ", ".join(filter(None, (self.why, self.do)))


def client_options(security: Security) -> dict[str, Any]:
    """kafka-python's arguments. Raises KafkaProblem naming the file or the variable that cannot be used."""
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.tls:
        options["ssl_context"] = tls_context(security)
    if security.sasl:
        name = security.username
        if security.mechanism != "PLAIN":   # RFC 5802, 5.1; kafka-python 3.0.12 leaves it to us
            name = name.replace("=", "=3D").replace(",", "=2C")
        options |= {"sasl_mechanism": security.mechanism, "sasl_plain_username": name,
                    "sasl_plain_password": secret(security.password_file, "--sasl-password-file", SASL_PASSWORD)}
    return options


def secret(file: str, option: str, variable: str) -> str:
    """The content of the file without its last newline, else of the variable. Raises KafkaProblem when there is none."""
    text = read_text_secret(option, file, variable, KafkaProblem, do="name a file that this user may read, with the password alone in it")
    if not text:
        raise KafkaProblem(f"{variable} is not set, and {option} names no file: one of them has to hold the password")
    return text


def tls_context(security: Security) -> ssl.SSLContext:
    """Verifies the broker's certificate and its host name. Raises KafkaProblem naming the file that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if security.ca_file:
        _check_readable(security.ca_file, "--ssl-ca-file")
        try:
            context.load_verify_locations(security.ca_file)
        except ssl.SSLError as error:
            raise KafkaProblem(f"--ssl-ca-file {security.ca_file}: holds no certificate in PEM ({_words(error)})") from error
    else:
        context.load_default_certs()
    if security.cert_file:
        _load_own(context, security)
    return context


def _load_own(context: ssl.SSLContext, security: Security) -> None:
    key_file, key_option = security.key_file or security.cert_file, "--ssl-key-file" if security.key_file else "--ssl-cert-file"
    _check_readable(security.cert_file, "--ssl-cert-file")
    _check_readable(key_file, key_option)
    encrypted = b"ENCRYPTED" in Path(key_file).read_bytes()
    password = secret(security.key_password_file, "--ssl-key-password-file", KEY_PASSWORD) if encrypted else ""
    try:
        context.load_cert_chain(security.cert_file, key_file, lambda: password)
    except (ssl.SSLError, ValueError) as error:   # ValueError: a password of more than 1,024 bytes
        what = "is not the key of" if "MISMATCH" in str(error) else "cannot be read together with"
        hint = "; check the key's password" if encrypted else ""
        raise KafkaProblem(
            f"{key_option} {key_file}: {what} the certificate --ssl-cert-file {security.cert_file}: both have to be PEM{hint} "
            f"({_words(error)})") from error


def server_certificate(address: str, security: Security, timeout_s: float) -> tuple[str, dt.datetime]:
    """Whose the broker's certificate at host:port is, and the end of its validity. Raises OSError, KafkaProblem."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with (
        socket.create_connection((host, int(port)), timeout_s) as plain,
        tls_context(security).wrap_socket(plain, server_hostname=host) as tls,
    ):
        found: dict[str, Any] = tls.getpeercert() or {}
    names = [f"{name}={value}" for part in found["subject"] for name, value in part] or [
        f"{kind}:{value}" for kind, value in found.get("subjectAltName", ())]
    return ", ".join(names), dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), dt.UTC)


def _check_readable(file: str, option: str) -> None:
    try:
        with Path(file).open("rb"):
            pass
    except OSError as error:
        raise KafkaProblem(f"{option} {file}: {error.strerror}; name a file that this user may read") from error


def _words(error: Exception) -> str:
    return str(error).rpartition(" (_ssl.c")[0] or str(error)


# Patterns of what OpenSSL, kafka-python and brokers say, behind the name of the exception; the more special first.
_REFUSALS = (
    (r"\[ssl: .*certificate has expired", Refusal(
        "its certificate has expired", "have it renewed at the broker, and see that the clock of this machine is right")),
    (r"\[ssl: .*not yet valid", Refusal(
        "its certificate is not valid yet", "see that the clocks of this machine and of the broker are right")),
    (r"\[ssl: .*(hostname|address) mismatch", Refusal(
        "its certificate is for another host",
        "name the broker as its certificate does; the names that it advertises have to be in it too")),
    (r"\[ssl: .*certificate verify failed", Refusal(
        "its certificate is of an authority that is not trusted here", "name the certificate of that authority with --ssl-ca-file")),
    (r"\[ssl: .*(wrong version number|record layer failure)", Refusal("it does not speak TLS there", NO_TLS)),
    (r"handshake failed: \[ssl: unexpected_eof", Refusal("it hangs up when TLS is begun", NO_TLS, final=False)),
    (r"\[ssl: \w*_alert_(handshake_failure|protocol_version)", Refusal(
        "it takes none of our versions and ciphers of TLS", "have TLS 1.2 or later turned on at the broker")),
    (r"\[ssl: \w*_alert_", Refusal(
        "it refuses our certificate, or has none of us",
        "name a certificate that it trusts and that has not expired with --ssl-cert-file and --ssl-key-file")),
    (rf"^invalidreceiveerror .*\b({'|'.join(map(str, TLS_ALERTS))})\b", Refusal(
        "it speaks TLS there", "choose --security-protocol SSL or SASL_SSL")),
    (r"^saslauthenticationfailed", Refusal(
        "it refuses the user or the password", f"check --sasl-username, and --sasl-password-file or {SASL_PASSWORD}")),
    (r"^unsupportedsaslmechanism", Refusal("it does not take this --sasl-mechanism there", "choose PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")),
    (r"^illegalsaslstate", Refusal("it does not take a user and a password there", "choose --security-protocol PLAINTEXT or SSL")),
    (r"^valueerror .*wrong signature", Refusal("it does not know the password itself", "see that this is the right broker")),
    (r"^kafkaconnectionerror .*socket disconnected$", Refusal("it hangs up", OTHER_LISTENER, final=False)))


def refusal_of(error: BaseException) -> Refusal:
    """What a failed connection means; that is not final where the next may succeed."""
    said = f"{type(error).__name__} {error}".lower()
    found = next((refusal for pattern, refusal in _REFUSALS if re.search(pattern, said)), None)
    return found or Refusal(str(error) or type(error).__name__, final=False)
