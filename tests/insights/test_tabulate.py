"""tabulate against an oracle in plain Python that goes text by text."""
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights import lexicon as module
from insights.cells import Cell, Text, Unit
from insights.lexicon import PARTICLES, STOP_WORDS
from insights.redact import MASKS, sample_of
from insights.tabulate import tabulate
from schemas.decode import event_key, event_keys
from schemas.entity_types import PATTERN_TYPES
from schemas.records import TextEvent
from schemas.tagging import Tags

VOCABULARY = (
    "[PAD]", "[UNK]", "card", "the", "not", "ab", "abc", "a", "##b", "##c", "##rd", "##ing", "##c4", "don", "'", "t",
    "42", "!", "酒", "店", "的", "服", "务", "Card", "über", "𠀀")
PIECES = 4


class FakeTagger:
    """Names only: the tags come from the test."""

    name, version = "fake", "v1"
    topics = ("card", "delivery", "other")
    intents, is_intent, intent_threshold = (), (), 0.0
    entity_types = ("ORG", "PER")
    vocabulary = VOCABULARY


def columns(rows):
    return [entry for row in rows for entry in row], np.cumsum([0, *map(len, rows)]).astype(np.int64)


def tags_of(rows):
    """rows: (sentiment, topic, entities, token ids) of each text."""
    entities, entity_splits = columns([row[2] for row in rows])
    ids, token_splits = columns([row[3] for row in rows])
    spans = np.array(entities, np.int32).reshape(-1, 3)
    return Tags(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 3),
        np.array([row[1] for row in rows], np.float32).reshape(-1, 3),
        np.zeros((len(rows), 0), np.float32),
        spans[:, 0], spans[:, 1], spans[:, 2], np.ones(len(spans), np.float32), entity_splits,
        np.array(ids, np.int32), token_splits)


def words_of(ids):
    """The oracle's terms of one text."""
    pieces = [VOCABULARY[number] for number in ids]
    words = []
    for piece in pieces:
        if piece.startswith("##") and words:
            words[-1].append(piece)
        else:
            words.append([piece])
    terms = set()
    for word in words:
        whole = "".join(piece.removeprefix("##") for piece in word).casefold()
        if len(word) <= PIECES and len(whole) >= 3 and whole.isalpha() and whole not in STOP_WORDS:
            terms.add(whole)
    chinese = [piece if piece in "酒店服务𠀀" and len(piece) == 1 else None for piece in pieces]
    terms |= {left + right for left, right in itertools.pairwise(chinese) if left and right}
    return terms


def cell_of(event, row):
    """The oracle's cell of one text."""
    sentiment = int(np.argmax(np.array(row[0], np.float32)))
    chosen = float(np.float32(row[0][sentiment]))
    felt = tuple(int(place == sentiment) for place in range(3))
    said = [(kind, event.text.encode()[start:end].decode(errors="replace")) for kind, start, end in row[2]]
    hidden = hidden_in(event.text, row[2])
    said = [one for one, span in zip(said, in_characters(event.text, row[2]), strict=True) if not touched(span, hidden)]
    keys = [(FakeTagger.entity_types[kind], " ".join(text.casefold().split())) for kind, text in said]
    named = ["\t".join(key) for key in keys if key[1]]
    confidence = [0] * 10
    confidence[min(int(chosen * 10), 9)] = 1
    return Cell(
        1, *felt, round(chosen * 10_000), dict.fromkeys(named, 1),
        dict.fromkeys(known_of(event.text, hidden, words_of(row[3])), felt), confidence,
        (event_key(event.author_id),) if event.author_id else (), ((event_key(event.event_id), event.event_id),),
        {FakeTagger.version: 1}, {event.event_id: Text(*shown(event.text, row[2], sentiment), MASKS.author_mark(event.author_id))})


def in_characters(text, entities):
    data = text.encode()
    return [(len(data[:start].decode(errors="ignore")), len(data[:end].decode(errors="ignore")), FakeTagger.entity_types[kind])
            for kind, start, end in entities]


def hidden_in(text, entities):
    return MASKS.redacted(text, [span[:2] for span in in_characters(text, entities) if span[2] == "PER"]).hidden


def touched(span, hidden):
    return any(span[0] < end and start < span[1] for start, end, _ in hidden)


def known_of(text, hidden, terms):
    """Terms that no hidden stretch may have given."""
    stretches = [text[start:end].casefold() for start, end, _ in hidden]
    given = {word for stretch in stretches for word in re.findall(r"[^\W\d_]+", stretch)}
    return {term for term in terms if term not in given and not (len(term) == 2 and any(term in stretch for stretch in stretches))}


def shown(text, entities, sentiment):
    said, kept = sample_of(text, in_characters(text, entities), hidden_in(text, entities))
    return said, sentiment, kept


def oracle(events, rows, groups, good):
    units = {}
    for place, (event, row) in enumerate(zip(events, rows, strict=True)):
        if not good[place]:
            continue
        topic = FakeTagger.topics[int(np.argmax(np.array(row[1], np.float32)))]
        one = Unit(1, event.offset, {(event.lang or "und", topic): cell_of(event, row)})
        units.setdefault((groups[place], event.source, event.product), Unit()).add(one)
    return units


probabilities = st.lists(st.integers(0, 20), min_size=3, max_size=3).map(
    lambda parts: [(part + 1) / (sum(parts) + 3) for part in parts])
rows = st.tuples(
    probabilities, probabilities,
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 12)), max_size=3),
    st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=8))
events = st.builds(
    lambda text, source, product, author, lang: TextEvent(
        "", 0, text, source=source, product=product, author_id=author, lang=lang),
    st.sampled_from(["Acme  Corp", "acme corp", "", "Straße 酒店", "ACME", "   ", "abc Card x@card.abc", "@酒店服务 card", "Über abcab"]),
    st.sampled_from(["posts", "tickets"]),
    st.sampled_from(["", "bank"]), st.sampled_from(["", "ann", "bob"]), st.sampled_from(["", "en", "und"]))
records = st.lists(st.tuples(events, rows, st.booleans(), st.integers(0, 2)), max_size=12)


def call(chunk, good):
    listed = [event for event, *_ in chunk]
    for offset, event in enumerate(listed):
        event.event_id, event.offset = f"e{offset}", offset
    groups = [group for *_, group in chunk]
    keys = event_keys([event.event_id for event in listed])
    offsets = np.arange(len(listed))
    tags = tags_of([row for _, row, *_ in chunk])
    found = tabulate(listed, tags, FakeTagger, keys, offsets, np.array(groups, np.int64), good)
    return found, oracle(listed, [row for _, row, *_ in chunk], groups, [True] * len(chunk) if good is None else good)


@settings(max_examples=400)
@given(records)
def test_columns_say_what_going_text_by_text_says(chunk):
    found, expected = call(chunk, None)
    assert found == expected


@given(records)
def test_rows_that_failed_add_nothing(chunk):
    found, expected = call(chunk, np.array([good for _, _, good, _ in chunk], np.bool_))
    assert found == expected


@given(records, st.integers(0, 12))
def test_a_chunk_says_what_its_parts_say_together(chunk, cut):
    whole, _ = call(chunk, None)
    place = np.arange(len(chunk))
    parts = [call(chunk, place < cut)[0], call(chunk, place >= cut)[0]]
    together = {}
    for part in parts:
        for key, unit in part.items():
            together.setdefault(key, Unit()).add(unit)
    assert together == whole


def test_nothing_and_only_failures_make_no_unit():
    assert call([], None) == ({}, {})
    event, row = TextEvent("", 0, "x"), ([1, 0, 0], [1, 0, 0], [], [])
    assert call([(event, row, True, 0)], np.array([False]))[0] == {}


def test_texts_without_tokens_between_others_keep_words_and_pairs_apart():
    row = ([1, 0, 0], [1, 0, 0], [])
    ids = [[18], [], [19], [5], [9, 8], [2]]
    chunk = [(TextEvent("", 0, ""), (*row, tokens), True, 0) for tokens in ids]
    found, expected = call(chunk, None)
    assert found == expected
    assert found[0, "unknown", ""].cells["und", "card"].terms == {"card": (1, 0, 0)}


def test_words_of_more_than_four_pieces_are_left_out():
    row = ([0, 0, 1], [1, 0, 0], [])
    chunk = [(TextEvent("", 0, ""), (*row, ids), True, 0) for ids in ([7, 8, 9, 8], [7, 8, 9, 8, 9])]
    found, _ = call(chunk, None)
    assert found[0, "unknown", ""].cells["und", "card"].terms == {"abcb": (0, 0, 1)}


def test_words_of_the_same_letters_are_one_term_however_they_are_cut():
    row = ([0, 0, 1], [1, 0, 0], [])
    abc, cut, card, capital = [6], [5, 9], [2], [VOCABULARY.index("Card")]
    chunk = [(TextEvent("", 0, ""), (*row, ids), True, 0) for ids in (abc, cut, card, capital, [*abc, *cut])]
    found, _ = call(chunk, None)
    assert found[0, "unknown", ""].cells["und", "card"].terms == {"abc": (0, 0, 3), "card": (0, 0, 2)}


def test_a_probability_that_is_no_number_is_refused():
    row = ([float("nan"), 0, 0], [1, 0, 0], [], [])
    with pytest.raises(ValueError, match="not a number"):
        call([(TextEvent("", 0, ""), row, True, 0)], None)


def test_many_events_with_large_counts_are_counted_exactly():
    row = ([0, 1, 0], [0, 1, 0], [(0, 0, 4)], [2, 18, 19, 7, 8, 9])
    chunk = [(TextEvent("", 0, "Acme"), row, True, 0) for _ in range(3_000)]
    found, expected = call(chunk, None)
    assert found == expected


def test_a_lexicon_grown_too_large_is_begun_anew_and_says_the_same(monkeypatch):
    row = ([0, 1, 0], [0, 1, 0], [(0, 0, 4)], [18, 19, 21, 22, 7, 8, 9])
    chunk = [(TextEvent("", 0, "Acme"), row, True, 0)]
    known = module.lexicon_of(VOCABULARY)
    assert module.lexicon_of(VOCABULARY) is known
    call(chunk, None)
    monkeypatch.setattr(module, "MAX_REMEMBERED", 0)
    found, expected = call(chunk, None)
    assert found == expected
    assert module.lexicon_of(VOCABULARY) is not known


def test_stop_words_are_terms_otherwise_and_particles_single_characters():
    assert all(word.isalpha() and word == word.casefold() and len(word) >= module.MIN_LETTERS for word in STOP_WORDS)
    assert all(module.is_chinese(particle) for particle in PARTICLES)


class PatternTagger(FakeTagger):
    """With the types of patterns behind its own."""

    entity_types = ("ORG", "PER", *PATTERN_TYPES)


def test_of_what_patterns_find_cells_and_samples_name_hashtags_alone():
    text = "Acme owes $5 or 5% by 2024-05-01 for order #123, #Good @ab"
    spans = [("ORG", "Acme"), ("money", "$5"), ("percentage", "5%"), ("date", "2024-05-01"), ("order_number", "123"), ("hashtag", "#Good"),
             ("mention", "@ab")]
    rows = [((0.0, 0.0, 1.0), (1.0, 0.0, 0.0), [
        (PatternTagger.entity_types.index(kind), text.index(said), text.index(said) + len(said)) for kind, said in spans], [])]
    unit = next(iter(tabulate(
        [TextEvent("1", 0, text)], tags_of(rows), PatternTagger(), np.array([1], np.uint64), np.zeros(1, np.int64),
        np.zeros(1, np.int64)).values()))
    (cell,) = unit.cells.values()
    assert cell.entities == {"ORG\tacme": 1, "hashtag\t#good": 1}
    (sample,) = cell.texts.values()
    assert [(kind, sample.text[start:end]) for start, end, kind in sample.entities] == [("ORG", "Acme"), ("hashtag", "#Good")]
