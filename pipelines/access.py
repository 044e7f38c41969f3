"""Who may ask the metrics and the page, from the options: loopback needs no credentials, everything else does."""
import argparse
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.guard.credentials import TOKEN, Credentials, weakness
from dashboards.guard.hosts import Names, listen, located, parsed, split
from dashboards.guard.judge import Policy
from pipelines.errors import EnvironmentProblem, UsageProblem
from privacy.secrets import place, read_text_secret

TOKEN_VARIABLE = "TEXTPULSE_HTTP_TOKEN"   # noqa: S105 - the name of a variable
MAKE_ONE = "make one with `openssl rand -hex 32`"


@dataclass(frozen=True)
class Access:
    """What a server is started with. warning: what its operator should know; empty for nothing."""

    policy: Policy
    tls: ssl.SSLContext | None = None
    warning: str = ""

    @property
    def scheme(self) -> str:
        """http or https."""
        return "https" if self.tls else "http"


def access_of(args: argparse.Namespace, option: str, host: str, environ: Mapping[str, str] = os.environ) -> Access:
    """The access to a server that listens on this host, the value of this option.

    Raises UsageProblem for an address that others can reach without credentials, EnvironmentProblem for what a file lacks.
    """
    credentials, tls = credentials_of(args, environ), tls_of(args)
    address = _address(option, host)
    if credentials is None and not address.is_loopback:
        raise UsageProblem(
            f"--{option} {host}: others can reach this address, so it needs credentials: --http-token-file FILE, or "
            f"--http-password-file FILE; or listen on 127.0.0.1 and tunnel to it: ssh -L PORT:127.0.0.1:PORT MACHINE")
    named = {host.lower().removesuffix("."), str(address), *_named(args.http_hosts)}
    policy = Policy(Names(frozenset(named), addresses=address.is_unspecified), credentials)
    plain = credentials is not None and tls is None and not address.is_loopback
    return Access(policy, tls, f"--{option} {host}: credentials and answers pass unencrypted; give --http-cert-file and --http-key-file, "
                               "or put a proxy that speaks TLS in front" if plain else "")


def credentials_of(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """None where none are given. Raises UsageProblem, EnvironmentProblem; never says a secret."""
    token = token_of("--http-token-file", args.http_token_file, environ)
    password = read_text_secret("--http-password-file", args.http_password_file, "", EnvironmentProblem, do=MAKE_ONE, environ={}).strip()
    if password:
        _check(f"--http-password-file {args.http_password_file}", "password", password)
    if not args.http_user.isprintable() or not args.http_user or ":" in args.http_user:
        raise UsageProblem("--http-user: expected a name without a colon")
    return Credentials(token, args.http_user, password) if token or password else None


def token_of(option: str, file: str, environ: Mapping[str, str]) -> str:
    """The token in a file, else in the variable; empty where none is given. Raises EnvironmentProblem."""
    token = read_text_secret(option, file, TOKEN_VARIABLE, EnvironmentProblem, do=MAKE_ONE, environ=environ).strip()
    if token:
        _check_token(place(option, file, TOKEN_VARIABLE), token)
    return token


def tls_of(args: argparse.Namespace) -> ssl.SSLContext | None:
    """None without a certificate. Raises UsageProblem, EnvironmentProblem."""
    cert, key = args.http_cert_file, args.http_key_file
    if not cert and not key:
        return None
    if not cert:
        raise UsageProblem("--http-key-file needs --http-cert-file")
    for option, file in (("--http-cert-file", cert), ("--http-key-file", key)):
        try:
            Path(file or cert).read_bytes()
        except OSError as error:
            raise EnvironmentProblem(f"{option} {file}: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key or None, password=lambda: b"")   # never asks a terminal
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "it is encrypted"
        raise EnvironmentProblem(
            f"--http-cert-file {cert}, --http-key-file {key or cert}: not a certificate and its own key, unencrypted, in PEM "
            f"({str(reason).lower().replace('_', ' ')})") from error
    return context


def listening(option: str, host: str, port: int) -> socket.socket:
    """A socket that listens there. option: of the port. Raises EnvironmentProblem."""
    try:
        return listen(host, port)
    except OSError as error:
        raise EnvironmentProblem(f"--{option} {port}: {error.strerror} ({host}); choose another") from error


def loopback(option: str, args: argparse.Namespace) -> list[str]:
    """What a command of ours on this machine is started with: it listens on loopback, in plain, and demands the same credentials. No
    secret is among these.
    """
    files = {"http-token-file": args.http_token_file, "http-password-file": args.http_password_file, "http-user": args.http_user}
    return [f"--{name}={value}" for name, value in ({option: "127.0.0.1", "http-cert-file": "", "http-key-file": ""} | files).items()]


def _address(option: str, host: str) -> Any:
    try:
        address = parsed(located(host)[1][0].partition("%")[0])
    except (OSError, UnicodeError) as error:
        raise EnvironmentProblem(f"--{option} {host}: no such address ({getattr(error, 'strerror', None) or 'not a name'})") from error
    assert address is not None
    return address


def _named(text: str) -> set[str]:
    found = set[str]()
    for name in text.replace(",", " ").split():
        host = split(name)
        if host is None or host[1]:
            raise UsageProblem(f"--http-hosts {name}: expected names without ports, such as metrics.example.com, several with commas")
        found.add(host[0])
    return found


def _check(where: str, what: str, secret: str) -> None:
    if weak := weakness(secret):
        raise EnvironmentProblem(f"{where}: the {what} {weak}; {MAKE_ONE}")


def _check_token(where: str, token: str) -> None:
    _check(where, "token", token)
    if not TOKEN.fullmatch(token):
        raise EnvironmentProblem(f"{where}: a token is made of letters, digits and -._~+/ alone; {MAKE_ONE}")
