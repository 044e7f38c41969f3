"""What a preparation did, in numbers: the file from which both reports are written."""
from collections import Counter
from enum import StrEnum

import msgspec

from models.data import DataError

FORMAT = "textpulse prepared data 1"
NAME = "manifest.json"
Counts = dict[str, int]


class Reason(StrEnum):
    """Why a row of a set is left out, in the order in which it is looked at."""

    EMPTY = "empty"
    LICENCE = "licence"
    CONFLICTING = "conflicting_labels"
    REPEATED = "repeated"
    IN_TEST = "in_test"
    EVALUATED = "in_dev_or_test"
    NEAR = "near_dev_or_test"


WHY = {
    Reason.EMPTY: "nothing is left of the text when it is cleaned",
    Reason.LICENCE: "its licence class is not permissive, and only permissive rows were asked for",
    Reason.CONFLICTING: "copies of the text in this split have different labels, so none is trained on",
    Reason.REPEATED: "a copy of an earlier row of this split",
    Reason.IN_TEST: "a dev row whose text is in the test split of some set",
    Reason.EVALUATED: "a train row whose text is in the dev or test split of some set",
    Reason.NEAR: "a train row whose text is nearly one of a dev or test split",
}


class Unused(StrEnum):
    """Why a silver label is not used."""

    NO_ROW = "no_row"
    GOLD = "gold_label"
    EVALUATED = "in_dev_or_test"


WHY_UNUSED = {
    Unused.NO_ROW: "no written row has this id or text",
    Unused.GOLD: "the row has a gold label of this task",
    Unused.EVALUATED: "the row is in a dev or test split, where every label is gold",
}


class SetCounts(msgspec.Struct, kw_only=True):
    """Of one set. read: rows by the split they came for; left_out: by that split and the reason; written: by the split they are in.

    changed: rows by cleaning step. languages: "stated, found" -> rows. conflicts: texts with more than one label, by split.
    masked_entities: entities whose words are behind a mask now. licences: rows written by class.
    """

    name: str
    task: str
    licence: str
    attribution: str
    read: Counts = msgspec.field(default_factory=Counter)
    written: Counts = msgspec.field(default_factory=Counter)
    left_out: dict[str, Counts] = {}
    changed: Counts = msgspec.field(default_factory=Counter)
    languages: Counts = msgspec.field(default_factory=Counter)
    conflicts: Counts = msgspec.field(default_factory=Counter)
    licences: Counts = msgspec.field(default_factory=Counter)
    masked_entities: int = 0


class SilverCounts(msgspec.Struct, kw_only=True):
    """Of one file of silver labels. used: lines by teacher; unused: lines by reason; rows: how many rows got a label from it."""

    file: str
    read: int = 0
    used: Counts = msgspec.field(default_factory=Counter)
    unused: Counts = msgspec.field(default_factory=Counter)
    rows: int = 0


class Share(msgspec.Struct, frozen=True, order=True):
    """How many rows (of entities: mentions) of one kind there are. teacher: empty for gold labels."""

    set: str
    split: str
    task: str
    label: str
    lang: str
    kind: str
    teacher: str
    count: int


class Options(msgspec.Struct, frozen=True):
    """What was asked for."""

    seed: int
    licences: str


class Manifest(msgspec.Struct, kw_only=True):
    """All of it. read, written: file -> SHA-256. not_read: files of rows in the folder that belong to no set known here."""

    format: str
    options: Options
    read: dict[str, str]
    not_read: list[str]
    written: dict[str, str]
    sets: list[SetCounts]
    silver: list[SilverCounts]
    balance: list[Share]


def check_accounts(manifest: Manifest) -> None:
    """Raises DataError unless every row and every silver label that was read was written or left out for a reason."""
    for one in manifest.sets:
        left_out = sum(sum(reasons.values()) for reasons in one.left_out.values())
        _check(one.name, sum(one.read.values()), sum(one.written.values()), left_out)
    for file in manifest.silver:
        _check(file.file, file.read, sum(file.used.values()), sum(file.unused.values()))


def _check(name: str, read: int, written: int, left_out: int) -> None:
    if read != written + left_out:
        raise DataError(f"{name}: {read} rows were read, but {written} written and {left_out} left out: this is a mistake of textpulse, "
                        "so nothing is written; report it with the command that was used")
