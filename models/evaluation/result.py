"""What an evaluation found, in numbers: what scores.json holds, and what the report is written from. Shares are from 0 to 1."""
from collections.abc import Sequence

import msgspec

FORMAT = "textpulse evaluation 1"


class Score(msgspec.Struct, frozen=True):
    """Of one class, or the mean over several. support: how many rows (entities: mentions) have it by the gold labels."""

    precision: float
    recall: float
    f1: float
    support: int


class Bin(msgspec.Struct, frozen=True):
    """Answers whose confidence is above low and at most high: how many, their mean confidence, and the share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


class Calibration(msgspec.Struct, frozen=True):
    """Whether answers are right as often as their probability says. Two figures (see calibration.py) and the bins of the diagram."""

    ece: float
    brier: float
    bins: list[Bin]


class Confusion(msgspec.Struct, frozen=True):
    """counts[i][j]: rows of gold class i that were called class j. classes: those that gold or an answer has."""

    classes: list[str]
    counts: list[list[int]]


class Scope(msgspec.Struct, frozen=True):
    """Of intents with the model's threshold: the share of texts with an intent that got it, and of those without one that got none."""

    accuracy: float
    out_of_scope_recall: float


class Scores(msgspec.Struct, frozen=True):
    """Of some rows of one task. classes: by class or entity type, those that gold or an answer has.

    macro: the mean over the classes that gold has. micro: over all answers; in a classification all three are the accuracy.
    weighted: the mean over classes by support. Entities and intents have no confusion, baselines no calibration. scope: where a row of
    intents has none.
    """

    rows: int
    classes: dict[str, Score]
    macro: Score
    micro: Score
    weighted: Score
    confusion: Confusion | None = None
    calibration: Calibration | None = None
    scope: Scope | None = None


class Group(msgspec.Struct, frozen=True):
    """The scores of the rows of one set, language or kind of text, or of all. by: set, language, kind or all."""

    by: str
    name: str
    scores: Scores


class WrongLabel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text with a wrong class. probability: what the model gave the class that it named."""

    set: str
    id: str
    gold: str
    said: str
    probability: float
    text: str = ""


class Named(msgspec.Struct, frozen=True):
    """An entity: its type, and its first and its end byte of the UTF-8 text."""

    type: str
    start: int
    end: int


class WrongEntities(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text with entities that were missed, or found where none is."""

    set: str
    id: str
    missed: list[Named]
    spurious: list[Named]
    text: str = ""


class TaskResult(msgspec.Struct, frozen=True):
    """Of one task. baselines: set -> name of the baseline -> its scores. wrong: texts that are not wholly right; worst: some of them."""

    task: str
    groups: list[Group]
    baselines: dict[str, dict[str, Scores]]
    wrong: int
    worst: Sequence[WrongLabel | WrongEntities]


class Speed(msgspec.Struct, frozen=True):
    """How fast the texts were tagged, by one caller, after one chunk to warm up. Threads: TensorFlow's; 0 is what it chooses."""

    texts: int
    seconds: float
    chunk: int
    threads_within: int
    threads_between: int


class Evaluation(msgspec.Struct, frozen=True):
    """All of it. read: file -> SHA-256. empty: sets without a row in this split. perhaps_seen: sets whose rows it may have learnt."""

    format: str
    model: str
    version: str
    split: str
    is_prepared: bool
    read: dict[str, str]
    empty: list[str]
    perhaps_seen: list[str]
    speed: Speed
    tasks: list[TaskResult]
