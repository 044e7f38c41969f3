"""What becomes of what is personal: a small TOML file, with examples that it is tested by.

    default = "mask"                # of every kind that is not named: mask, pseudonym or keep
    author_id = "pseudonym"         # mask, pseudonym or keep
    fields = "pseudonym"            # what is surely personal in event ids, sources, products, channels: pseudonym or keep

    [kinds]
    email = "pseudonym"
    number = "keep"

    [patterns.order]                # a kind of your own (RE2)
    pattern = 'ORD-\\d{6}'
    mode = "mask"

    [key]                           # of pseudonyms: from a file, or from a variable
    file = "/run/secrets/textpulse"

    [[examples]]
    text = "mail jo@example.org about ORD-123456"
    becomes = "mail [email] about [order]"
"""
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import re2

from privacy.kinds import KINDS
from privacy.secrets import read_secret

LEAST_KEY = 16      # bytes
LEAST_VARIED = 6    # different bytes in a key
MAKE_ONE = "`openssl rand -hex 32`"
_QUIET = re2.Options()
_QUIET.log_errors = False   # RE2 would print what is wrong; PolicyError says it
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class PolicyError(Exception):
    """The policy cannot be used: which file and line, what is wrong with it, and what to write instead."""


class Mode(StrEnum):
    """What becomes of something: [email], [email:3k2v...], or what it was."""

    MASK = "mask"
    PSEUDONYM = "pseudonym"
    KEEP = "keep"


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of the user's own. pattern: in RE2's syntax; its first group is what is meant, where it has one."""

    pattern: str
    mode: Mode = Mode.MASK


class KeySource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the key of pseudonyms is: the content of a file, or of a variable."""

    file: str = ""
    variable: str = ""


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text, and what becomes of it."""

    text: str
    becomes: str


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. default: of kinds that are not named. fields: of ids and names, which masks would make one of many."""

    default: Mode = Mode.MASK
    author_id: Mode = Mode.PSEUDONYM
    fields: Mode = Mode.PSEUDONYM
    kinds: dict[str, Mode] = {}
    patterns: dict[str, Pattern] = {}
    key: KeySource | None = None
    examples: tuple[Example, ...] = ()

    @property
    def modes(self) -> set[Mode]:
        """Every mode that it uses."""
        return {self.default, self.author_id, self.fields, *self.kinds.values(), *(own.mode for own in self.patterns.values())}

    @property
    def keeps_all(self) -> bool:
        """True when nothing is hidden."""
        return self.modes == {Mode.KEEP}

    def mode_of(self, kind: str) -> Mode:
        """What becomes of something of this kind."""
        own = self.patterns.get(kind)
        return own.mode if own else self.kinds.get(kind, self.default)


def read_policy(path: Path) -> Policy:
    """Raises PolicyError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"--policy {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        return parse_policy(text)
    except PolicyError as error:
        raise PolicyError(f"--policy {path}: {error}") from error


def parse_policy(text: str) -> Policy:
    """Raises PolicyError, which names the line where there is one."""
    try:
        rows: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:   # tomllib raises both, beside its own, for numbers and nesting without bounds
        said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "not TOML: a number or a nesting is too large"
        raise PolicyError(said) from error
    kinds = rows.get("kinds")
    for name, mode in kinds.items() if isinstance(kinds, dict) else ():
        if name not in KINDS:
            raise PolicyError(f"{_line(text, name)}unknown kind {name!r}; known are {', '.join(KINDS)}; others are [patterns.{name}]")
        if mode not in list(Mode):
            raise PolicyError(f"{_line(text, name)}{name} = {mode!r}: a mode is {', '.join(Mode)}")
    try:
        policy = msgspec.convert(rows, Policy)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `")
        names = re.findall(r"[A-Za-z_][\w\-]*", place) or re.findall(r"`([\w\-]+)`", said)
        raise PolicyError(f"{_line(text, names[-1] if names else '')}{said}" + (f" (at {place.strip('.`')})" if place else "")) from error
    for name, own in policy.patterns.items():
        _check_pattern(name, own, text)
    if policy.fields is Mode.MASK:
        raise PolicyError(f"{_line(text, 'fields')}fields = 'mask' would make one of many products and ids; write pseudonym or keep")
    if policy.key and bool(policy.key.file) == bool(policy.key.variable):
        raise PolicyError(f"{_line(text, 'key')}[key] names a file or a variable, one of the two")
    return policy


def _check_pattern(name: str, own: Pattern, text: str) -> None:
    if name in KINDS or not NAME.fullmatch(name):
        raise PolicyError(f"{_line(text, name)}[patterns.{name}]: choose another name, of a-z, 0-9 and _, that is no built-in kind")
    try:
        compiled = re2.compile(own.pattern, _QUIET)
    except re2.error as error:
        said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PolicyError(f"{_line(text, name)}[patterns.{name}]: {own.pattern!r} is no pattern of RE2: {said}") from error
    if compiled.search("") is not None:
        raise PolicyError(f"{_line(text, name)}[patterns.{name}]: {own.pattern!r} matches nothing at all; let it match something")


def read_key(source: KeySource | None, what: str = "key of pseudonyms") -> bytes | None:
    """The key; None without a source. what: its name in an error. Raises PolicyError, which never holds any of it."""
    if source is None:
        return None
    where = f"key file {source.file}" if source.file else f"variable {source.variable}"
    do = f"put the {what} there, such as {MAKE_ONE} writes"
    key = read_secret("key file", source.file, source.variable, PolicyError, do=do).strip()
    if not key:
        raise PolicyError(f"{where} is not set, or empty; {do}")
    if len(key) < LEAST_KEY or len(set(key)) < LEAST_VARIED:
        raise PolicyError(f"{where}: the key is too easy to guess: give {LEAST_KEY} random bytes or more, as {MAKE_ONE} writes")
    return key


def _line(text: str, name: str) -> str:
    """Where a name stands first as a key or in a heading: "line 3: "; empty where it does not."""
    pattern = re.compile(rf"^\s*(?:\[+[^\]]*\b{re.escape(name)}\b|\"?{re.escape(name)}\"?\s*=)")
    numbers = [number for number, line in enumerate(text.splitlines(), 1) if name and pattern.match(line)]
    return f"line {numbers[0]}: " if numbers else ""
