"""Bytes that nobody sends in good faith: seeds and grammars, changed by a seeded random generator."""
import gzip
import random
from collections.abc import Callable, Sequence

JSON_FIELDS = [b"event_id", b"event_time", b"text", b"source", b"product", b"channel", b"author_id", b"lang", b"x", rb"te\u0078t", b""]
JSON_VALUES = [
    b'"a"', b'""', b'" "', b"null", b"true", b"0", b"-1", b"1780315200000", b"1e999", b"-0.0", b"9" * 40, b"1.5", b"[]", b"{}", b"[[[]]]",
    b'{"a":[1,{"b":null}]}', rb'"\ud800"', rb'"\ud83d\ude00"', rb'"\u0000"', rb'"\\u0000"', rb'"\\ud800"', rb'"\\\ud800"', b'"\xff"',
    b'"\xed\xa0\x80"', b'"\xc0\x80"', '"字\u202e\u2066"'.encode(), '"\ufeff"'.encode(), b'"2026-06-01T12:00:00Z"', b'"2026-06-01"',
    b'"9999-12-31T23:59:59.999999Z"', b'"0001-01-01T00:00:00+23:59"', b'"1969-12-31T23:59:60Z"', b'"x' + b"y" * 1_100 + b'"',
    b'"' + "字".encode() * 400 + b'"', b"[" * 1_200 + b"]" * 1_200, b"NaN", b"tru", b"01",
]  # fmt: skip
TOKENS = [
    *JSON_VALUES, b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\r\n", b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", b"\xfe\xff\xff\xff\x0f", b"\x01", b"\x02", b"\x7f\xff\xff\xff", b"Obj\x01", b"PAR1",
    b"\x1f\x8b", b"=", b"&", b"%00", b"%ff", b"+", b"HTTP/1.1\r\n",
    b"GET /metrics ",
    b"Host: x\r\n", b"Content-Length: 99999999999\r\n\r\n", b"range=", b"from=", b"after=",
    b"entity=a:b", b"1h", b"500ms", b"1e308h", b"inf",
    b"nan", b"-", b"1_0", "١".encode(), "²".encode(), b"@", b"http://", b"a@b.example", b"4111 1111 1111 1111",
    b"DE89 3704 0044 0532 0130 00", b"::1", b"aa:bb:cc:", b"A1" * 20,
    b"1-" * 30, "＠".encode(), b"\x1b[2J", "\u202e".encode(), "e\u0301".encode(),
    "\U000e0001".encode(),
]  # fmt: skip
METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS", b"get", b"PRI", b""]
PATHS = [b"/", b"/metrics", b"/metrics?a=b", b"/talk", b"/talk/x", b"/fail", b"/files/x", b"/%00", b"/%2e%2e/", b"//x", b"*", b"http://x/",
         b"/\xff"]
HEADER_LINES = [
    b"Host: localhost", b"Host: localhost", b"Host: localhost", b"Host: evil.example", b"Host: [::1]:1", b"Host:", b"Host: localhost\x00",
    b"Content-Length: 5", b"Content-Length: 5, 6", b"Content-Length: -1", b"Content-Length: " + b"9" * 30, b"Content-Length: \xb2",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Origin: http://localhost", b"Origin: null", b"Origin: http://[",
    b"Authorization: Bearer a-token-of-the-fuzzers-own", b"Authorization: Bearer", b"Authorization: Basic !!!", b"Authorization: \xff",
    b"Accept-Encoding: gzip", b"Accept: " + b"x" * 900, b"X-Forwarded-For: 1.2.3.4", b"Upgrade: websocket", b"Connection: close, x",
    b" folded: 1", b"no colon", b"Expect: 100-continue", b"X: " + b"y" * 17_000]  # fmt: skip
LONGEST = 4_096


class Mutations:
    """Endless inputs for one target, the same for the same seed."""

    def __init__(self, kind: str, seeds: Sequence[bytes], seed: int) -> None:
        self.random = random.Random(f"{kind} {seed}")
        self.seeds = list(seeds) or [b""]
        self.make = _MAKERS.get(kind, Mutations.changed)

    def next(self) -> bytes:
        """One more."""
        return self.make(self)

    def keep(self, data: bytes) -> None:
        """An input that went a new way is changed further."""
        self.seeds.append(data)

    def changed(self) -> bytes:
        """A seed with a few changes."""
        return self.change(self.random.choice(self.seeds))

    def change(self, data: bytes) -> bytes:
        """The bytes with a few changes."""
        found = bytearray(data)
        for _ in range(1 << self.random.randrange(4)):
            self.random.choice(_CHANGES)(self, found)
        return bytes(found[:LONGEST] if self.random.random() < 0.98 else found)

    def place(self, found: bytearray) -> int:
        """In front of a byte, or at the end."""
        return self.random.randint(0, len(found))

    def json(self) -> bytes:
        """An object of hostile values, sometimes broken."""
        if self.random.random() < 0.3:
            return self.changed()
        pairs = [
            b'"%s":%s' % (self.random.choice(JSON_FIELDS), self.random.choice(JSON_VALUES)) for _ in range(self.random.randrange(6))]
        good = [b'"event_id":"a"', b'"text":"b"', b'"event_time":1780315200000']
        pairs += self.random.sample(good, self.random.randint(1, 3))
        self.random.shuffle(pairs)
        data = b"{" + b",".join(pairs) + b"}"
        return self.change(data) if self.random.random() < 0.3 else data

    def mend(self) -> bytes:
        """A JSON record or a body of Avro, in one encoding or another."""
        if self.random.random() < 0.4:
            return self.changed()
        return self.json().decode("utf-8", "replace").encode(self.random.choice(("utf-8", "gb18030")), "replace")

    def request(self) -> bytes:
        """A request of HTTP with hostile lines, sometimes with a body that is or is not as long as it says."""
        if self.random.random() < 0.3:
            return self.changed()
        version = self.random.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b""))
        first = b" ".join((self.random.choice(METHODS), self.random.choice(PATHS), version))
        lines = [first, *(self.random.choice(HEADER_LINES) for _ in range(self.random.randrange(6)))]
        end = self.random.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
        body = self.random.choice((b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"x" * 9_000))
        data = end.join(lines) + end * 2 + body
        return self.change(data) if self.random.random() < 0.3 else data

    def json_lines(self) -> bytes:
        """Some of them, with an end of line or none."""
        ends = [b"\n", b"\n", b"\r\n", b"\n\n", b""]
        return b"".join(self.json()[:300] + self.random.choice(ends) for _ in range(self.random.randrange(6)))

    def gzip(self) -> bytes:
        """Lines, packed, in several members, the packed bytes changed or not."""
        if self.random.random() < 0.3:
            return self.changed()
        members = [gzip.compress(self.json_lines(), self.random.randrange(10)) for _ in range(self.random.randint(1, 3))]
        data = b"".join(members) + bytes(self.random.choice((0, 0, 5)))
        return self.change(data) if self.random.random() < 0.5 else data

    def container(self) -> bytes:
        """A seed whose blocks are packed anew after a change inside of them, or changed as they stand."""
        data = self.random.choice(self.seeds)
        if self.random.random() < 0.5 or len(data) < 40:
            return self.change(data)
        sync = data[-16:]
        parts = data.split(sync)
        at = self.random.randrange(len(parts))
        parts[at] = self.change(parts[at])
        return sync.join(parts)

    def parquet(self) -> bytes:
        """Mostly changes of the footer and of the page headers: the rest is only values."""
        found = bytearray(self.random.choice(self.seeds))
        footer = int.from_bytes(found[-8:-4], "little") if len(found) > 12 else 0
        for _ in range(1 << self.random.randrange(4)):
            choice = self.random.random()
            if not found:
                break
            if choice < 0.6 and footer < len(found) - 8:
                at = len(found) - 8 - self.random.randint(1, max(1, footer))
                found[at] = self.random.choice((self.random.randrange(256), found[at] ^ 1 << self.random.randrange(8), 0, 255, 127, 128))
            elif choice < 0.9:
                found[self.random.randrange(min(len(found), 64))] = self.random.randrange(256)
            else:
                self.random.choice(_CHANGES)(self, found)
        return bytes(found)


def _flip(made: Mutations, found: bytearray) -> None:
    if found:
        found[made.random.randrange(len(found))] ^= 1 << made.random.randrange(8)


def _set(made: Mutations, found: bytearray) -> None:
    if found:
        found[made.random.randrange(len(found))] = made.random.choice((0, 1, 2, 127, 128, 254, 255, made.random.randrange(256)))


def _insert(made: Mutations, found: bytearray) -> None:
    at = made.place(found)
    found[at:at] = made.random.choice(TOKENS)


def _remove(made: Mutations, found: bytearray) -> None:
    at = made.place(found)
    del found[at : at + made.random.choice((1, 1, 2, 4, 16, 64))]


def _cut(made: Mutations, found: bytearray) -> None:
    del found[made.place(found) :]


def _repeat(made: Mutations, found: bytearray) -> None:
    at = made.place(found)
    found[at:at] = found[at : at + made.random.choice((1, 2, 8, 32))] * made.random.choice((1, 2, 50))


def _splice(made: Mutations, found: bytearray) -> None:
    other = made.random.choice(made.seeds)
    begin = made.random.randint(0, len(other))
    at = made.place(found)
    found[at : at + made.random.randrange(32)] = other[begin : begin + made.random.randrange(64)]


_CHANGES: list[Callable[[Mutations, bytearray], None]] = [_flip, _flip, _set, _set, _insert, _insert, _remove, _cut, _repeat, _splice]
_MAKERS: dict[str, Callable[[Mutations], bytes]] = {
    "json": Mutations.json, "jsonl": Mutations.json_lines, "gzip": Mutations.gzip, "container": Mutations.container,
    "parquet": Mutations.parquet, "mend": Mutations.mend, "metrics": Mutations.request, "page": Mutations.request,
}  # fmt: skip


def smallest(data: bytes, fails: Callable[[bytes], bool], tries: int = 2_000) -> bytes:
    """A part of the bytes that still fails: ever smaller pieces are left out."""
    step = len(data) // 2
    while step and tries:
        at = 0
        while at < len(data) and tries:
            shorter = data[:at] + data[at + step :]
            tries -= 1
            if fails(shorter):
                data = shorter
            else:
                at += step
        step //= 2
    return data
