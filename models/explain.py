"""Why a text got its sentiment and its topic: the words that carried the decision."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.attribution import HEADS, Layers
from models.folder import SAVED_MODEL, ModelError
from models.load import CHARACTERS_LIMIT, LoadedModel, encoded
from models.pieces import CONTINUES, Pieces, PieceTokenizer
from models.vocabulary import CJK
from schemas.tagged import characters_of
from schemas.tagging import Tags

MOST = 5
CHUNK = 32
"""Texts whose first layer is held at once: 50 MB where all are of the greatest length."""
DIGITS = 4
PROBES = ("", "Why? I'm glad, it works", "质量很差，非常失望 😀")
TOLERANCE = 1e-3
OTHER = "cannot explain its tags: its architecture is not cnn"

Span = tuple[int, int, float]
"""First byte, end byte, weight."""


class Word(msgspec.Struct, frozen=True):
    """A word of a text, in characters, and its weight: the logits by which it puts the class ahead of the others."""

    text: str
    start: int
    end: int
    weight: float


class Why(msgspec.Struct, frozen=True):
    """The words that speak for the sentiment and for the topic that a text got, the heaviest first."""

    sentiment: tuple[Word, ...]
    topic: tuple[Word, ...]


class Words(NamedTuple):
    """The words of N texts, flat: text i owns [splits[i], splits[i + 1]). Marks and Chinese characters are words too.

    starts, ends int32[W], bytes of the UTF-8 text; joins bool[W]: whether the next word touches it and both are Chinese
    characters; splits int64[N + 1]; weights float32[heads, W], below zero for what speaks against the class; margins
    float32[heads, N]: what the weights of a text sum up to (models.attribution.Account).
    """

    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    joins: NDArray[np.bool_]
    splits: NDArray[np.int64]
    weights: NDArray[np.float32]
    margins: NDArray[np.float32]


class Explainer:
    """Explains what a model tagged. explain() may be called from several threads at once.

    Raises ModelError for a model of another architecture than cnn, or that answers otherwise.
    """

    def __init__(self, model: LoadedModel) -> None:
        tokenizer = PieceTokenizer(model.vocabulary)
        self._cut = tf.function(tokenizer.__call__, input_signature=[tf.TensorSpec([None], tf.string)]).get_concrete_function()
        self._continues = np.array([entry.startswith(CONTINUES) for entry in model.vocabulary])
        self._chinese = np.array([re.fullmatch(f"[{CJK}]", entry) is not None for entry in model.vocabulary])
        try:
            self._layers = Layers(model.module)
            agrees = self._agrees(PROBES, model.tag(PROBES))
        except (AttributeError, IndexError, TypeError, ValueError, tf.errors.OpError) as error:
            raise ModelError(model.folder / SAVED_MODEL, OTHER) from error
        if not agrees:
            raise ModelError(model.folder / SAVED_MODEL, OTHER)

    def explain(self, texts: Sequence[str], tags: Tags, most: int = MOST, sentiments: Sequence[int] | None = None) -> list[Why]:
        """For each text the words that speak for its tags, at most `most` for each. tags: what the model said of the texts.

        sentiments: the class of each text that is explained in place of the one the model said, such as that of an earlier model.
        """
        chosen = np.stack([getattr(tags, name).argmax(1) for name in HEADS])
        if sentiments is not None:
            chosen[HEADS.index("sentiment")] = sentiments
        chunks = [slice(at, at + CHUNK) for at in range(0, len(texts), CHUNK)]
        return [why for rows in chunks for why in self._explained(texts[rows], chosen[:, rows], most)]

    def probabilities(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """{head: float32[N, classes]}, made anew without the serving graph: what the explanation explains."""
        pieces = self._pieces(texts)
        return dict(zip(HEADS, self._layers.probabilities(pieces.ids.numpy(), pieces.splits.numpy()), strict=True))

    def words(self, texts: Sequence[str], chosen: NDArray[np.int64]) -> Words:
        """All words of the texts and their weights for the classes chosen, int64[heads, N]."""
        pieces = self._pieces(texts)
        ids, starts, ends, splits = (column.numpy() for column in (pieces.ids, pieces.starts, pieces.ends, pieces.splits))
        account = self._layers.account(ids, splits, chosen)
        opens = ~self._continues[ids]
        first = np.flatnonzero(opens)
        last = np.append(first[1:], len(ids))[: len(first)] - 1
        bounds = np.concatenate(([0], np.cumsum(opens)))[splits]
        weights = np.add.reduceat(account.pieces, first, axis=1) if len(first) else account.pieces
        joins = np.zeros(len(first), np.bool_)
        chinese = self._chinese[ids[first]]
        joins[:-1] = chinese[:-1] & chinese[1:] & (ends[last[:-1]] == starts[first[1:]])
        joins[bounds[1:][bounds[1:] > 0] - 1] = False   # the last of a text
        return Words(starts[first], ends[last], joins, bounds, weights, account.margins)

    def _pieces(self, texts: Sequence[str]) -> Pieces:
        pieces: Pieces = self._cut(tf.constant(encoded(texts), tf.string, shape=[len(texts)]))
        return pieces

    def _agrees(self, texts: Sequence[str], tags: Tags) -> bool:
        return all(np.allclose(found, getattr(tags, name), atol=TOLERANCE) for name, found in self.probabilities(texts).items())

    def _explained(self, texts: Sequence[str], chosen: NDArray[np.int64], most: int) -> Iterator[Why]:
        words = self.words(texts, chosen)
        for text, *spans in zip(texts, *(named(words, weights, most) for weights in words.weights), strict=True):
            yield Why(*(_in_characters(text[:CHARACTERS_LIMIT], of_head) for of_head in spans))


def named(words: Words, weights: NDArray[np.float32], most: int) -> list[list[Span]]:
    """Of each text the words of the largest weights above zero, at most so many; the first of equal ones.

    Chinese has no spaces between its words: two neighbouring characters that both speak for the class are named together.
    """
    count = len(weights)
    weights = np.where(words.ends > words.starts, weights, 0)   # what is invisible is no word
    pairs = np.where(words.joins[:-1] & (weights[:-1] > 0) & (weights[1:] > 0), weights[:-1] + weights[1:], 0)
    offered = np.concatenate((weights, pairs)).astype(np.float64).round(DIGITS)
    text = np.repeat(np.arange(len(words.splits) - 1), np.diff(words.splits))
    text = np.concatenate((text, text[:-1]))
    order = np.lexsort((-offered, text))
    order = order[offered[order] > 0]
    bounds = np.searchsorted(text[order], np.arange(len(words.splits)))
    starts = np.concatenate((words.starts, words.starts[:-1]))[order].tolist()
    ends = np.concatenate((words.ends, words.ends[1:]))[order].tolist()
    spans = list(zip(starts, ends, offered[order].tolist(), strict=True))
    places = [(at, at) if at < count else (at - count, at - count + 1) for at in order.tolist()]
    return [_apart(spans[begin:end], places[begin:end], most) for begin, end in pairwise(bounds.tolist())]


def _apart(spans: Sequence[Span], places: Sequence[tuple[int, int]], most: int) -> list[Span]:
    """The first spans, of which none has a word in common with another. places: the first and the last word of each."""
    found: list[Span] = []
    taken: set[int] = set()
    for span, words in zip(spans, places, strict=True):
        if len(found) == most:
            break
        if taken.isdisjoint(words):
            taken.update(words)
            found.append(span)
    return found


def _in_characters(text: str, spans: Sequence[Span]) -> tuple[Word, ...]:
    places = iter(characters_of(text, [place for start, end, _ in spans for place in (start, end)]))
    return tuple(
        Word(text[start:end], start, end, weight) for (_, _, weight), start, end in zip(spans, places, places, strict=True)
    )
