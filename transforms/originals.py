"""Rejected records as they came, kept only when a user asks for it, and only encrypted by the user's key.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits, by a key that HKDF-SHA256 (RFC 5869) derives from the user's; the job, the
origin and the offset are authenticated with it. A sealed original is: version 1, 4 bytes that tell keys apart, nonce, ciphertext.
"""
import datetime as dt
import decimal
import os
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from insights.store import Place
from privacy.policy import KeySource, read_key
from schemas.records import TextEvent, time_of

VERSION = b"\x01"
MARK_BYTES, NONCE_BYTES = 4, 12
MOST_BYTES = 1 << 20   # of one original; Kafka's own limit for a record is a little more than that
VARIABLE = "TEXTPULSE_ORIGINALS_KEY"


class OriginalsProblem(Exception):
    """Originals cannot be kept or opened: says why, and what to do."""


class Original(msgspec.Struct, array_like=True, frozen=True):
    """What was read: the bytes of a record, or a row of named values; the log's own time, microseconds since 1970. as_json: the value is
    JSON whatever the job's format is, for it was put together from an event."""

    value: bytes | dict[str, Any]
    log_time_us: int | None = None
    as_json: bool = False


def key_source(key_file: str) -> KeySource:
    """Where the key is: the file, else the variable TEXTPULSE_ORIGINALS_KEY."""
    return KeySource(file=key_file) if key_file else KeySource(variable=VARIABLE)


def original_of(value: object, log_time_us: int | None) -> Original | None:
    """None for what is nothing to be mended: null values, and what a reader could not read."""
    if isinstance(value, bytes):
        return Original(value, log_time_us)
    return Original(dict(value), log_time_us) if isinstance(value, Mapping) else None


def original_of_event(event: TextEvent) -> Original:
    """Of a record that was decoded, and on which the model failed later."""
    row = {name: getattr(event, name) for name in ("event_id", "text", "source", "product", "channel", "author_id", "lang")}
    return Original(msgspec.json.encode({**row, "event_time": time_of(event.time_us)}), None, as_json=True)


class Seal:
    """Encrypts and opens the originals of one job by one key. Raises OriginalsProblem without the library, PolicyError for a bad key."""

    def __init__(self, job: str, source: KeySource) -> None:
        key = read_key(source, "key of originals") or b""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
            from cryptography.hazmat.primitives.hashes import SHA256
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        except ImportError as error:
            raise OriginalsProblem("originals are kept encrypted, which needs a library: pip install 'textpulse[originals]'") from error

        def derived(length: int, use: bytes) -> bytes:
            return HKDF(SHA256(), length, None, b"textpulse originals " + use).derive(key)

        self._cipher, self._mark, self._job = AESGCM(derived(32, b"key")), derived(MARK_BYTES, b"mark"), job

    def seal(self, original: Original | None, place: Place) -> bytes | None:
        """The encrypted original; None where there is none, or one that is too large or too strange to keep."""
        try:
            plain = b"" if original is None else _encoder.encode(original)
        except (ValueError, OverflowError, RecursionError):   # half surrogate pairs, numbers of more than 64 bits, deep nesting
            return None
        if not plain or len(plain) > MOST_BYTES:
            return None
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + self._mark + nonce + self._cipher.encrypt(nonce, plain, self._about(place))

    def open(self, sealed: bytes, place: Place) -> Original:
        """The original. Raises OriginalsProblem for one that another key sealed, that stood elsewhere, or that is damaged."""
        from cryptography.exceptions import InvalidTag

        start = len(VERSION) + MARK_BYTES
        if sealed[:len(VERSION)] != VERSION:
            raise OriginalsProblem("sealed by another version of textpulse")
        if sealed[len(VERSION):start] != self._mark:
            raise OriginalsProblem("sealed by another key")
        try:
            plain = self._cipher.decrypt(sealed[start:start + NONCE_BYTES], sealed[start + NONCE_BYTES:], self._about(place))
        except (InvalidTag, ValueError) as error:
            raise OriginalsProblem("the sealed original is damaged") from error
        return _decoder.decode(plain)

    def _about(self, place: Place) -> bytes:
        return "\0".join((self._job, place[0], str(place[1]))).encode("utf-8", "surrogatepass")


def _plain(value: object) -> object:
    """Values of Parquet and Avro rows for which MessagePack has no type."""
    if isinstance(value, decimal.Decimal | uuid.UUID | dt.date | dt.time):
        return str(value)
    return repr(value)


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
_decoder = msgspec.msgpack.Decoder(Original)
