"""How the options say that Kafka is to be spoken to. Passwords come from files and variables alone."""
import argparse
import os
from collections.abc import Mapping
from typing import Any

from pipelines.errors import UsageProblem
from transforms.kafka_security import SASL_PASSWORD, Security

FIELDS = {
    "security_protocol": "protocol", "ssl_ca_file": "ca_file", "ssl_cert_file": "cert_file", "ssl_key_file": "key_file",
    "ssl_key_password_file": "key_password_file", "sasl_mechanism": "mechanism", "sasl_username": "username",
    "sasl_password_file": "password_file"}


def security_of(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Security:
    """Raises UsageProblem for options that do not go together, and says what to write."""
    given: dict[str, Any] = {key: getattr(args, key) for key in FIELDS}
    made = Security(**{field: given[key] for key, field in FIELDS.items()})
    for kind, wanted, on in (("ssl_", "SSL or SASL_SSL", made.tls), ("sasl_", "SASL_SSL or SASL_PLAINTEXT", made.sasl)):
        for key, value in given.items():
            if value and key.startswith(kind) and not on:
                raise UsageProblem(f"{_flag(key)} is for --security-protocol {wanted}, and that is {made.protocol}: choose one of them")
    if made.key_file and not made.cert_file:
        raise UsageProblem("--ssl-key-file needs the certificate of this key: name it with --ssl-cert-file")
    if made.key_password_file and not made.cert_file:
        raise UsageProblem("--ssl-key-password-file is for an encrypted key: name it with --ssl-cert-file and --ssl-key-file")
    if made.sasl:
        _check_sasl(made, environ)
    return made


def _check_sasl(made: Security, environ: Mapping[str, str]) -> None:
    needs = f"--security-protocol {made.protocol} needs"
    if not made.mechanism:
        raise UsageProblem(f"{needs} --sasl-mechanism PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, as the broker's listener has it")
    if not made.username:
        raise UsageProblem(f"{needs} --sasl-username, and the password in --sasl-password-file or in {SASL_PASSWORD}")
    if not made.password_file and not environ.get(SASL_PASSWORD):
        raise UsageProblem(f"{needs} a password: name a file that holds it with --sasl-password-file, or set {SASL_PASSWORD}")


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"
