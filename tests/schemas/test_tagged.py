"""Tagged events hold what their events had, and entities in characters whatever the bytes were."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import TextEvent
from schemas.tagged import characters_of, entities_of, tagged_events
from schemas.tagging import Tags


class FixedTagger:
    """Finds the first two bytes of each text that has them, whatever they are."""

    name, version = "fixed", "0123456789ab"
    intents, is_intent, intent_threshold, wants = ("out", "cancel", "refund"), (False, True, True), 0.6, (0.1, 0.7, 0.2)
    topics, entity_types, vocabulary = ("sports", "other"), ("person", "location"), ("[PAD]", "[UNK]")

    def tag(self, texts: list[str]) -> Tags:
        has = np.array([len(text.encode()) >= 2 for text in texts], bool)
        count = int(has.sum())
        splits = np.concatenate([[0], np.cumsum(has)]).astype(np.int64)
        empty = np.zeros(len(texts) + 1, np.int64)
        return Tags(
            np.tile(np.array([[0.2, 0.3, 0.5]], np.float32), (len(texts), 1)),
            np.tile(np.array([[0.9, 0.1]], np.float32), (len(texts), 1)),
            np.tile(np.array([self.wants], np.float32), (len(texts), 1)),
            np.ones(count, np.int32),
            np.zeros(count, np.int32),
            np.full(count, 2, np.int32),
            np.full(count, 0.75, np.float32),
            splits,
            np.zeros(0, np.int32),
            empty,
        )


def _event(text: str, offset: int = 0) -> TextEvent:
    return TextEvent("id", 1_000_000, text, source="posts", product="p", lang="en", offset=offset)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.data())
def test_a_byte_offset_on_a_character_becomes_that_characters_offset(text: str, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(text)))
    assert characters_of(text, [len(text[:at].encode())]) == [at]


@given(st.text(), st.lists(st.integers(0, 200)))
def test_any_byte_offset_gives_an_offset_within_the_text(text: str, offsets: list[int]) -> None:
    assert all(0 <= found <= len(text) for found in characters_of(text, offsets))


@pytest.mark.parametrize(
    ("text", "named"),
    [("😀 Anna", "Anna"), ("见到江泽民", "江泽民"), ("e\u0301té à Zoe\u0308", "Zoe\u0308"), ("\ud800 Bo", "Bo")],
)
def test_an_entity_names_the_characters_that_its_bytes_are(text: str, named: str) -> None:
    start = len(text[: text.index(named)].encode("utf-8", "replace"))
    end = start + len(named.encode())
    (entity,) = entities_of(text, [(0, start, end, 0.5)], ["person"])
    assert (entity.text, text[entity.start : entity.end]) == (named, named)


def test_spaces_around_a_span_are_left_out_and_a_span_of_spaces_is_none() -> None:
    (entity,) = entities_of("a  Bo  c   ", [(0, 1, 7, 0.5), (0, 8, 11, 0.5)], ["person"])
    assert (entity.text, entity.start, entity.end) == ("Bo", 3, 5)


def test_each_event_gets_its_own_tags_and_keeps_what_it_had() -> None:
    events = [_event("Bo", 5), _event("", 6), _event("中国", 7)]
    tagger = FixedTagger()
    tagged = tagged_events(events, tagger.tag([e.text for e in events]), tagger, "topic/0")
    assert [(t.offset, t.text, t.origin) for t in tagged] == [
        (5, "Bo", "topic/0"),
        (6, "", "topic/0"),
        (7, "中国", "topic/0"),
    ]
    assert [[e.text for e in t.entities] for t in tagged] == [["Bo"], [], []]
    assert (tagged[0].sentiment, tagged[0].topic, tagged[0].model_version) == ("positive", "sports", "0123456789ab")
    assert tagged[0].sentiment_score == pytest.approx(0.5)
    assert tagged[0].event_time.isoformat() == "1970-01-01T00:00:01+00:00"


def test_tags_of_another_number_of_texts_are_refused() -> None:
    tagger = FixedTagger()
    with pytest.raises(ValueError, match="zip"):
        tagged_events([_event("a")], tagger.tag(["a", "b"]), tagger, "f")


@pytest.mark.parametrize(
    ("shares", "said"), [
        ((0.1, 0.7, 0.2), ("cancel", 0.7)),
        ((0.1, 0.2, 0.7), ("refund", 0.7)),
        ((0.1, 0.55, 0.35), ("", 0.0)),   # below the threshold
        ((0.8, 0.1, 0.1), ("", 0.0)),     # likeliest is what is no intent
    ])
def test_an_intent_is_said_where_it_is_one_and_likely_enough(shares: tuple[float, ...], said: tuple[str, float]) -> None:
    tagger = FixedTagger()
    tagger.wants = shares
    (tagged,) = tagged_events([_event("Bo")], tagger.tag(["Bo"]), tagger, "topic/0")
    assert (tagged.intent, round(tagged.intent_score, 6)) == said


def test_a_model_without_intents_says_none() -> None:
    tagger = FixedTagger()
    tags = tagger.tag(["Bo"])
    tags.intent, tagger.intents, tagger.is_intent = tags.intent[:, :0], (), ()
    (tagged,) = tagged_events([_event("Bo")], tags, tagger, "topic/0")
    assert (tagged.intent, tagged.intent_score) == ("", 0.0)
