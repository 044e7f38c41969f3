"""Where alerts are sent: webhooks, signed by the Standard Webhooks specification (standardwebhooks.com), and a Kafka topic."""
import base64
import binascii
import hashlib
import hmac
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from pipelines.errors import UsageProblem
from privacy.secrets import place, read_secret
from transforms.kafka_security import KafkaProblem, Security

SECRET = "TEXTPULSE_WEBHOOK_SECRET"   # noqa: S105 - the name of a variable
LEAST_SECRET_BYTES = 24
BASE64 = b"whsec_"   # what begins a secret in base64, by the specification
TIMEOUT_S = 10.0
PLAINTEXT = Security()
ERROR_CHARACTERS = 200


class NotDelivered(Exception):
    """Says why, in one line without a secret."""


class Target(Protocol):
    """Takes a message or raises NotDelivered."""

    name: str

    def send(self, message: str, key: str, body: str, now_s: int) -> None:
        """message: its id, which stays the same when it is sent again. key: the incident. body: JSON."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """What is signed for one address is not sent to another."""


class Webhook:
    """An address that takes messages by POST and answers 2xx."""

    def __init__(self, url: str, secret: bytes) -> None:
        parts = urlsplit(url)
        self.url, self.secret = url, secret
        self.name = f"{parts.scheme}://{parts.hostname}#{hashlib.sha256(url.encode()).hexdigest()[:8]}"   # a path often holds a key
        self._open = urllib.request.build_opener(_NoRedirect)

    def send(self, message: str, key: str, body: str, now_s: int) -> None:
        """Raises NotDelivered."""
        data = body.encode()
        request = urllib.request.Request(self.url, data, headers={   # noqa: S310 - http and https alone, see webhooks()
            "Content-Type": "application/json", "User-Agent": "textpulse", **signed(message, data, self.secret, now_s)})
        try:
            self._open.open(request, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            error.close()
            raise NotDelivered(f"answered {error.code}") from error
        except urllib.error.URLError as error:
            raise NotDelivered(str(error.reason)[:ERROR_CHARACTERS]) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotDelivered(f"{type(error).__name__} {error}"[:ERROR_CHARACTERS].strip()) from error


class AlertTopic:
    """A Kafka topic: the key is the incident, so that its messages stay in order; header textpulse-message holds the message's id."""

    def __init__(self, servers: str, topic: str, security: Security) -> None:
        self.servers, self.topic, self.name, self.security = servers, topic, f"kafka:{topic}", security
        self._connection: Any = None
        self._producer: Any = None

    def send(self, message: str, key: str, body: str, now_s: int) -> None:
        """Raises NotDelivered."""
        from kafka.errors import KafkaError

        from transforms.kafka_connection import Connection

        try:
            self._connection = self._connection or Connection(self.servers, self.security, TIMEOUT_S)
            self._producer = self._producer or self._connection.producer(acks="all", max_block_ms=int(TIMEOUT_S * 1000))
            self._producer.send(
                self.topic, body.encode(), key.encode(), headers=[("textpulse-message", message.encode())]).get(TIMEOUT_S)
        except KafkaProblem as problem:
            raise NotDelivered(str(problem)) from problem
        except (KafkaError, OSError) as error:
            raise NotDelivered(self._connection.refusal(error) or f"{type(error).__name__} {error}"[:ERROR_CHARACTERS].strip()) from error


def signed(message: str, data: bytes, secret: bytes, now_s: int) -> dict[str, str]:
    """The three headers of the specification."""
    mac = hmac.new(secret, b"%s.%d.%s" % (message.encode(), now_s, data), hashlib.sha256).digest()
    return {"webhook-id": message, "webhook-timestamp": str(now_s), "webhook-signature": "v1," + base64.b64encode(mac).decode()}


def targets_of(urls: str, secret_file: str, servers: str, topic: str, environ: Mapping[str, str] = os.environ,
               security: Security = PLAINTEXT) -> list[Target]:
    """All that are asked for. Raises UsageProblem for a wrong address, and for webhooks without a good secret."""
    found: list[Target] = [AlertTopic(servers, topic, security)] if topic else []
    addresses = urls.split()
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageProblem(f"--alert-webhook {parts.scheme}://{parts.hostname}: not an address, such as https://example.com/alerts")
    if addresses:
        secret = _secret(secret_file, environ)
        found += [Webhook(address, secret) for address in addresses]
    return found


def _secret(file: str, environ: Mapping[str, str]) -> bytes:
    where = place("--webhook-secret-file", file, SECRET)
    secret = read_secret("--webhook-secret-file", file, SECRET, UsageProblem, environ=environ).strip()
    if secret.startswith(BASE64):
        try:
            secret = base64.b64decode(secret.removeprefix(BASE64), validate=True)
        except binascii.Error as error:
            raise UsageProblem(f"{where}: not a secret: behind {BASE64.decode()} stands base64") from error
    if len(secret) < LEAST_SECRET_BYTES:
        raise UsageProblem(
            f"{where}: webhooks are signed with a secret of at least {LEAST_SECRET_BYTES} bytes; make one with `openssl rand -base64 32`")
    return secret
