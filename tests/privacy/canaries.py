"""Personal items that stand nowhere else, records that hold one in every field, and a search for what is left of them."""
import json
import random
import string
from dataclasses import dataclass, field

import numpy as np
from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from privacy.kinds import SURE

NEEDLE = 8   # bytes of a core that are looked for first
IN_TEXT = {
    "email": "mail {} please", "phone": "call {} today", "mobile": "手机{}，谢谢", "card": "my card {} was charged", "iban": "IBAN {}",
    "cn_id": "身份证{}不对", "us_ssn": "SSN {} is mine", "passport": "passport number {} expired", "ip": "came from {} at night",
    "mac": "the box {} blinks", "secret_link": "see {} for it", "secret": "my password is {} by the way", "key": "token {} fails",
    "handle": "thanks {} for nothing"}
FIRST = ("Anna", "Peter", "Maria", "John", "Laura", "David", "Emma", "Robert", "Julia", "Thomas", "Sarah", "Michael", "Linda", "James")
LAST = ("Miller", "Johnson", "Smith", "Brown", "Walker", "Harris", "Clark", "Lewis", "Young", "Allen", "King", "Wright", "Scott", "Green",
        "Baker", "Adams", "Nelson", "Carter", "Mitchell", "Roberts", "Turner", "Phillips", "Campbell", "Parker", "Evans", "Edwards")
KIND_OF = {"mobile": "phone"}


@dataclass
class Canaries:
    """Makes items from a seed. cores: what must be found nowhere, in lower case; planted: those that stand in the records so."""

    seed: int
    cores: set[bytes] = field(default_factory=set)
    planted: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lots = random.Random(self.seed)

    def letters(self, many: int = 10) -> str:
        """No word of any language."""
        return "".join(self.lots.choices("bcdfghjkqvwxz", k=many))

    def digits(self, many: int) -> str:
        """The first is no 0."""
        return self.lots.choice("123456789") + "".join(self.lots.choices(string.digits, k=many - 1))

    def item(self, kind: str) -> str:
        """One of a kind, of which the cores are remembered."""
        said, *cores = getattr(self, f"_{kind}")()
        lower = [core.lower().encode() for core in cores or [said]]
        self.cores.update(lower)
        self.planted.add(lower[0])
        return said

    def author(self) -> str:
        """An id that no pattern knows."""
        name = self.letters()
        self.cores.add(name.encode())
        self.planted.add(name.encode())
        return name

    def _email(self):
        name = self.letters()
        return f"{name}@mail.example.org", name

    def _handle(self):
        name = self.letters()
        return f"@{name}", name

    def _phone(self):
        said = f"+44 20 {self.digits(4)} {self.digits(4)}"
        return said, said, said.replace(" ", "")

    def _mobile(self):
        return (f"138{self.digits(8)}",)

    def _card(self):
        plain = f"4{self.digits(14)}"
        plain += luhn.calc_check_digit(plain)
        spaced = " ".join(plain[at:at + 4] for at in range(0, 16, 4))
        return spaced, spaced, plain

    def _iban(self):
        account = self.digits(18)
        plain = "DE" + mod_97_10.calc_check_digits(account + "DE") + account
        spaced = " ".join(plain[at:at + 4] for at in range(0, 22, 4))
        return spaced, spaced, plain

    def _cn_id(self):
        body = f"110105{self.lots.randint(1950, 2005)}0{self.lots.randint(1, 9)}1{self.lots.randint(0, 9)}{self.digits(3)}"
        total = sum(int(digit) * weight for digit, weight in zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
        return (body + "10X98765432"[total % 11],)

    def _us_ssn(self):
        return (f"{self.lots.randint(100, 599)}-{self.lots.randint(10, 99)}-{self.lots.randint(1000, 9999)}",)

    def _passport(self):
        return (f"{self.lots.choice('CFGHJK')}{self.digits(7)}",)

    def _ip(self):
        return (".".join(str(self.lots.randint(100, 223)) for _ in range(4)),)

    def _mac(self):
        return (":".join(f"{self.lots.randint(0, 255):02x}" for _ in range(6)),)

    def _secret_link(self):
        token = self.letters(12) + self.digits(8)
        return f"https://shop.example.org/reset?token={token}", token

    def _secret(self):
        return (f"{self.letters()}!7",)

    def _key(self):
        return (f"sk_live_{self.letters(10)}{self.digits(10)}",)


def names_of(canaries: Canaries) -> list[str]:
    """First and last names put together at random, each pair once."""
    pairs = [f"{first} {last}" for first in FIRST for last in LAST]
    canaries.lots.shuffle(pairs)
    return pairs


def records(canaries: Canaries, many: int, names: list[str], first: int = 0):
    """Records without a time: items in the text, in ids and names, in the author, and in a field that textpulse does not know."""
    kinds = list(IN_TEXT)
    sure = [kind for kind in kinds if KIND_OF.get(kind, kind) in SURE]
    for number in range(first, first + many):
        kind, other = kinds[number % len(kinds)], sure[number % len(sure)]
        text = IN_TEXT[kind].format(canaries.item(kind))
        if names and number % 3 == 0:
            text = f"{names.pop()} from London said: {text}"
        yield {
            "event_id": f"{number}-{canaries.item(other)}" if number % 2 else f"e-{number}", "text": text,
            "source": canaries.item("email") if number % 29 == 0 else "tickets",
            "product": f"of {canaries.item(other)}" if number % 7 == 0 else "kettle", "channel": canaries.item("handle"),
            "author_id": canaries.author(), "lang": canaries.item("ip") if number % 31 == 0 else "en",
            "note": {"said": canaries.item(kind)}}


def malformed(canaries: Canaries, many: int):
    """(value, what it is called) of records that no decoder takes, with items and authors in them."""
    for number, row in enumerate(records(canaries, many, [], 100_000)):
        whole = json.dumps(row, ensure_ascii=False).encode()
        yield [
            whole[:-2], whole.replace(b'"text": "', b'"text": 5, "said": "'), whole.replace(b'"event_id"', b'"id"'),
            b"\xff\xfe" + whole, whole[:-1] + f', "event_time": "{canaries.item("email")}"}}'.encode(),
            whole.replace(b'"text": "', b'"text": "\\u0000'), f"{row['text']} by {row['author_id']}".encode(),
            whole.replace(b'"text": "', b'"text": "' + b"x" * 70_000)][number % 8]


def found_in(data: bytes, cores: set[bytes]) -> set[bytes]:
    """The cores that stand in the data, whatever their case."""
    data = data.lower()
    if len(data) < NEEDLE:
        return set()
    starts = np.frombuffer(b"".join(core[:NEEDLE] for core in cores), np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(data, np.uint8), NEEDLE)
    at = np.flatnonzero(np.isin(np.ascontiguousarray(windows).view(np.uint64).reshape(-1), starts)).tolist()
    lengths = {len(core) for core in cores}
    return {data[place:place + length] for place in at for length in lengths} & cores
