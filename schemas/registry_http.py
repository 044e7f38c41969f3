"""The questions to a schema registry (Confluent's REST API) and what its answers mean."""
import base64
import json
import os
import random
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError, TimeoutError
from urllib3.util import create_urllib3_context

from privacy.secrets import place, read_text_secret
from schemas.parse import SchemaError

PASSWORD, TOKEN = "TEXTPULSE_REGISTRY_PASSWORD", "TEXTPULSE_REGISTRY_TOKEN"
ACCEPT = "application/vnd.schemaregistry.v1+json, application/json"
CONNECT_WITHIN_S, ANSWER_WITHIN_S = 1.5, 5.0   # less than a worker has to end in good order
ATTEMPTS, PAUSE_S = 3, 0.1
BUSY = (429, 500, 502, 503, 504)
MOST_ANSWER_BYTES = 4 << 20


class RegistryProblem(Exception):
    """The registry is not there, refuses us, or is none: names its host."""


class RegistryBusy(RegistryProblem):
    """It may answer in a moment."""


class NotInRegistry(RegistryProblem):
    """It answered that it does not have what was asked for. code: its error code."""

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where it is and who asks. No secret is in here, only the names of the files that hold one."""

    url: str
    user: str = ""
    password_file: str = ""
    token_file: str = ""
    ca_file: str = ""


def is_address(place: str) -> bool:
    """Whether it is meant as an address of HTTP, and not as a folder."""
    return place.lower().startswith(("http:", "https:"))


def check_address(url: str) -> str:
    """The address without a slash at its end. Raises SchemaError for one that is none, or that holds a password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if "@" in parts.netloc:
        raise SchemaError(
            "--schemas: an address with a user or password in it is seen by everyone who sees the command: leave them out, and give "
            f"--registry-user with --registry-password-file or the variable {PASSWORD}")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise SchemaError("--schemas: not the address of a registry, such as https://registry.example.com:8081")
    return url.rstrip("/")


def authorization(settings: RegistrySettings, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The header that says who asks; none when nobody is named. Raises SchemaError, without the secret in it."""
    token = _secret(settings.token_file, "--registry-token-file", TOKEN, environ)
    if not settings.user:
        if settings.password_file:
            raise SchemaError("--registry-password-file needs --registry-user")
        if token and not (token.isascii() and " " not in token):
            raise SchemaError(f"{settings.token_file or TOKEN}: a token is one word of ASCII characters")
        return {"Authorization": f"Bearer {token}"} if token else {}
    if token:
        raise SchemaError(f"--registry-user and a token (--registry-token-file, {TOKEN}) exclude each other")
    if ":" in settings.user:
        raise SchemaError("--registry-user: a user of basic authentication has no colon in the name")
    password = _secret(settings.password_file, "--registry-password-file", PASSWORD, environ)
    if not password:
        raise SchemaError(f"--registry-user needs a password: --registry-password-file FILE, or the variable {PASSWORD}")
    return {"Authorization": "Basic " + base64.b64encode(f"{settings.user}:{password}".encode()).decode()}


def _secret(file: str, option: str, variable: str, environ: Mapping[str, str]) -> str:
    secret = read_text_secret(option, file, variable, SchemaError, environ=environ).strip()
    if not secret.isprintable():
        raise SchemaError(f"{place(option, file, variable)}: holds not one line of text")
    return secret


class RegistryHttp:
    """Asks one registry. Its threads may be several."""

    def __init__(self, settings: RegistrySettings, environ: Mapping[str, str] = os.environ) -> None:
        """Asks nothing yet. Raises SchemaError for settings that cannot be used."""
        self.url = check_address(settings.url)
        self.host = urlsplit(self.url).netloc
        self._headers = {"Accept": ACCEPT, "User-Agent": "textpulse", **authorization(settings, environ)}
        self._http = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=CONNECT_WITHIN_S, read=ANSWER_WITHIN_S), ssl_context=_tls(settings.ca_file))

    def ask(self, path: str) -> Any:
        """The JSON that GET path answers; what is busy is asked a few times. Raises NotInRegistry or RegistryProblem."""
        for attempt in range(1, ATTEMPTS):
            try:
                return self._ask(path)
            except RegistryBusy:
                time.sleep(PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
        return self._ask(path)

    @property
    def names_us(self) -> bool:
        """Whether the registry is told who asks."""
        return "Authorization" in self._headers

    def no_registry(self, why: str) -> RegistryProblem:
        """The problem that something else answers there."""
        return RegistryProblem(f"{self.host} does not answer as a schema registry does: {why}; check --schemas")

    def _ask(self, path: str) -> Any:
        status, kind, body = self._get(path)
        if status in (401, 403):
            raise RegistryProblem(f"schema registry {self.host} refuses us (it answered {status} to GET {path}): check --registry-user and "
                                  "its password, or the token")
        if 300 <= status < 400:
            raise RegistryProblem(f"schema registry {self.host} answered {status}, a redirect, which is not followed: give --schemas the "
                                  "address that it leads to")
        if status in BUSY:
            raise RegistryBusy(f"schema registry {self.host} answered {status} to GET {path}")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self.no_registry(f"GET {path} is answered {status} with no JSON ({kind!r:.60})") from error
        if status == 200:
            return answer
        code = answer.get("error_code") if isinstance(answer, dict) else None
        if status == 404 and isinstance(code, int):
            raise NotInRegistry(f"schema registry {self.host} does not have {path} (error {code})", code)
        raise RegistryProblem(f"schema registry {self.host} answered {status} to GET {path}")

    def _get(self, path: str) -> tuple[int, str, bytes]:
        try:
            response = self._http.request("GET", self.url + path, headers=self._headers, redirect=False, preload_content=False)
            try:
                return response.status, response.headers.get("Content-Type", ""), self._body(response)
            finally:
                response.close()
        except SSLError as error:
            raise RegistryProblem(f"schema registry {self.host}: TLS: {error}; an authority of your own is named by --registry-ca-file"
                                  ) from error
        except (HTTPError, OSError) as error:
            if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):   # which urllib3 counts among them
                raise RegistryProblem(f"schema registry {self.host} does not answer: no connection within {CONNECT_WITHIN_S:g} s, or no "
                                      f"answer within {ANSWER_WITHIN_S:g} s") from error
            raise RegistryBusy(f"schema registry {self.host} does not answer: {error!s:.200}") from error

    def _body(self, response: urllib3.BaseHTTPResponse) -> bytes:
        parts, size, until = [], 0, time.monotonic() + ANSWER_WITHIN_S
        while part := response.read1(1 << 16, decode_content=False):
            parts.append(part)
            size += len(part)
            if size > MOST_ANSWER_BYTES:
                raise self.no_registry(f"its answer is larger than {MOST_ANSWER_BYTES >> 20} MB")
            if time.monotonic() > until:
                raise RegistryProblem(f"schema registry {self.host} does not answer: an answer took longer than {ANSWER_WITHIN_S:g} s")
        return b"".join(parts)


def _tls(ca_file: str) -> ssl.SSLContext:
    context = create_urllib3_context()
    if not ca_file:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:   # ssl.SSLError is one
        raise SchemaError(f"--registry-ca-file {ca_file}: no certificates in PEM ({error.strerror or error})") from error
    return context
