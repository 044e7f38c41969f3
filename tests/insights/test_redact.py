"""Nothing personal that a pattern or the model can see is left in a sample, and no text makes that slow or wrong."""
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.redact import CHARACTERS, LOOKED_AT, MASKS, hide, sample_of
from schemas.records import Entity, TaggedEvent, time_of


def redacted(text, entities=()):
    persons = [(start, end) for start, end, kind in entities if kind == "person"]
    return sample_of(text, entities, MASKS.redacted(text, persons).hidden)


@pytest.mark.parametrize(("text", "said"), [
    ("mail jo.doe+x@example.co.uk now", "mail [email] now"), ("联系我abc@x.com谢谢", "联系我[email]谢谢"),
    ("see https://a.example/p?token=1.", "see [secret_link]"), ("看 www.example.com/私 吧", "看 [link] 吧"),
    ("thanks @SomeOne and ＠小明", "thanks [handle] and [handle]"),
    ("call +44 20 7946 0958 or (030) 123-4567", "call [phone] or [phone]"), ("手机13812345678。", "手机[phone]。"),
    ("card 4111 1111 1111 1111, 4111-1111-1111-1111", "card [card], [card]"), ("身份证11010519491231002X", "身份证[cn_id]"),
    ("SSN 536-90-4399", "SSN [us_ssn]"), ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [iban]"), ("passport AB1234567", "passport [passport]"),
    ("order A-99812345", "order [code]"), ("电话１３８１２３４５６７８", "电话[phone]"),
    ("token sk_live_abcdef1234567890abcd", "token [key]"), ("at 10.0.0.1 and aa:bb:cc:dd:ee:ff", "at [ip] and [mac]"),
    ("at 2001:db8::1 or fe80:1:2:3:4:5:6:7", "at [ip] or [ip]"),
    ("flight BA2490 for $1200 at 10:20:30 on 2026-06-01, 1,234,567 people", None), ("我在5号店买了12件", None), ("", None)])
def test_what_is_personal_is_masked_and_what_is_not_is_left(text, said):
    assert redacted(text) == (text if said is None else said, ())


def test_persons_are_masked_and_other_entities_stand_where_they_are():
    said, spans = redacted("Jo Doe of Acme\tin Paris wrote jo@x.org", [(0, 6, "person"), (10, 14, "organisation"), (18, 23, "location")])

    assert said == "[person] of Acme in Paris wrote [email]"
    assert [(said[start:end], kind) for start, end, kind in spans] == [("Acme", "organisation"), ("Paris", "location")]


def test_an_entity_inside_a_mask_is_not_shown():
    assert redacted("write to acme@acme.org", [(9, 13, "organisation")]) == ("write to [email]", ())


def test_a_long_text_is_cut_and_says_so():
    said, spans = redacted("word " * 300, [(0, 4, "product"), (1400, 1404, "product")])

    assert len(said) <= CHARACTERS
    assert said.endswith("word …")
    assert spans == ((0, 4, "product"),)


def test_what_the_first_cut_cuts_in_two_is_not_shown_in_part():
    said, _ = redacted("a" * (LOOKED_AT - 30) + " someone.with.a.long.name@example.org and more")

    assert "someone" not in said


texts = st.text(st.sampled_from("ab1 2@.:-/+_酒店\n\x00é👍") | st.characters(exclude_categories=["Cs"]), max_size=LOOKED_AT * 2)


@given(texts, st.data())
def test_whatever_the_text_spans_are_what_they_were_and_nothing_long_is_left(text, data):
    bounds = st.integers(0, len(text))
    spans = [(min(pair), max(pair), kind) for *pair, kind in data.draw(st.lists(
        st.tuples(bounds, bounds, st.sampled_from(["person", "product"])), max_size=4))]
    said, kept = redacted(text, spans)

    assert len(said) <= CHARACTERS
    assert said.isprintable()
    assert not re.search(r"\d{6}", said)
    assert redacted(said)[0] == said or "…" in said
    originals = {"".join(c if c.isprintable() else " " for c in text[start:end]) for start, end, kind in spans if kind == "product"}
    assert all(said[start:end] in originals and kind == "product" for start, end, kind in kept)


def test_an_order_number_or_a_mention_that_is_hidden_is_named_by_its_mask_in_tagged_events():
    text = "😀 order no. 12345678 of @some_one, #good for $5"
    spans = [("order_number", "12345678"), ("mention", "@some_one"), ("hashtag", "#good"), ("money", "$5")]
    record = TaggedEvent(
        event_id="1", event_time=time_of(0), origin="", offset=0, source="", product="", channel="", author_id="", lang="", text=text,
        sentiment="", sentiment_score=1.0, sentiment_probabilities={}, topic="", topic_score=1.0, entities=[], model="", model_version="")
    record.entities = [Entity(kind, said, text.index(said), text.index(said) + len(said), 1.0) for kind, said in spans]
    hide(record, MASKS.hidden_all([text], {})[0], MASKS)
    assert record.text == "😀 order no. [number] of [handle], #good for $5"
    assert [(one.type, one.text) for one in record.entities] == [
        ("order_number", "[number]"), ("mention", "[handle]"), ("hashtag", "#good"), ("money", "$5")]
    assert all(record.text[one.start:one.end] == one.text for one in record.entities)
