"""A text on which the model fails is found among the others, costs few calls, and becomes a dead letter; the others keep their tags."""
import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from insights import tables
from insights.conservation import verify
from insights.redact import MASKS
from insights.store import Store, UnitKey
from schemas.decode import event_keys
from schemas.json_events import JsonDecoder
from schemas.records import TextEvent
from transforms import job as jobs
from transforms import tag as module
from transforms.aggregate import ToUnits, units_and_failures
from transforms.elements import EventChunk
from transforms.job import Job, JobSettings, Raw
from transforms.sinks import Sinks
from transforms.tag import ChunkTagger, join, tag_chunk

S = 1_000_000
MINUTE = 60 * S
START = 1_780_272_000 * S
RAGGED = (("entity_start", "entity_splits"), ("entity_end", "entity_splits"), ("entity_score", "entity_splits"),
          ("entity_type", "entity_splits"), ("token_ids", "token_splits"))
words = st.sampled_from(["good", "bad parcel", "parcel late from Acme", "Acme and 包裹 Acme", "nothing known", "bad late good"])


def chunk_of(texts):
    count = len(texts)
    events = [TextEvent(f"e{row}", START, text, "posts") for row, text in enumerate(texts)]
    column = np.arange(count)
    return EventChunk(
        events, event_keys([event.event_id for event in events]), column, column * 0 + START, column * 0 + START, column * 0,
        [("texts/0", 0)])


def row_of(tags, row):
    """What was said of one text, as plain values."""
    ragged = [getattr(tags, name)[getattr(tags, splits)[row]:getattr(tags, splits)[row + 1]].tolist() for name, splits in RAGGED]
    return [tags.sentiment[row].tolist(), tags.topic[row].tolist(), *ragged]


@given(st.lists(st.tuples(words, st.booleans()), min_size=1, max_size=40), st.integers(1, 9))
def test_only_the_poisoned_rows_fail_and_every_other_text_gets_the_tags_it_gets_alone(tagger_class, rows, most):
    tagger = tagger_class()
    texts = [f"{text} {tagger.poison}" if poisoned else text for text, poisoned in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_TEXTS", most)
        tagged = tag_chunk(tagger, chunk_of(texts))
    assert tagged.failed == {row: "poisoned" for row, (_, poisoned) in enumerate(rows) if poisoned}
    assert len(tagged.tags.sentiment) == len(tagged.tags.entity_splits) - 1 == len(tagged.tags.token_splits) - 1 == len(texts)
    for row, (text, poisoned) in enumerate(rows):
        if not poisoned:
            assert row_of(tagged.tags, row) == row_of(tagger.tag([text]), 0)


@pytest.mark.parametrize("place", [0, 37, 511])
def test_one_poisoned_text_among_many_costs_two_calls_for_each_halving(tagger, place):
    texts = ["good"] * 512
    texts[place] = tagger.poison
    assert list(tag_chunk(tagger, chunk_of(texts)).failed) == [place]
    assert len(tagger.calls) == 1 + 2 * 9   # 512 is halved 9 times


def test_a_model_is_never_given_more_texts_at_once_than_bound_its_memory(tagger):
    tag_chunk(tagger, chunk_of(["good"] * (2 * module.MAX_TEXTS + 1)))
    assert tagger.calls == [module.MAX_TEXTS, module.MAX_TEXTS, 1]


@pytest.fixture
def odd(tagger, monkeypatch):
    """odd(column, place, value): the tagger gives this value there, and else what it gave before."""
    honest = tagger.tag

    def altered(column, place, value):
        def tag(texts):
            tags = honest(texts)
            getattr(tags, column)[place] = value
            return tags

        monkeypatch.setattr(tagger, "tag", tag)
        return tagger

    return altered


@pytest.mark.parametrize(("column", "place", "value"), [
    ("sentiment", (1, 2), np.nan), ("sentiment", (1, 2), np.inf), ("topic", (1, 0), np.nan)])
@pytest.mark.parametrize("texts", [["good", "good", "good"], ["good", "bad", "good"]])
def test_probabilities_that_are_no_numbers_fail_their_row_alone(odd, texts, column, place, value):
    assert list(tag_chunk(odd(column, place, value), chunk_of(texts)).failed) == [1]


def test_an_entity_type_beyond_the_labels_fails_its_row_alone_and_the_others_are_counted(tagger, odd):
    odd("entity_type", slice(1), 9)
    tagged = tag_chunk(tagger, chunk_of(["Acme good", "bad", "Acme"]))
    units, failed = units_and_failures(tagged, tagger, MASKS)

    assert list(tagged.failed) == [0]
    assert (failed, [unit.records for _, unit, _ in units]) == ({}, [2])


def test_an_error_that_is_no_matter_of_a_text_is_raised(tagger, monkeypatch):
    def tag(texts):
        raise RuntimeError("no memory left on the device")

    monkeypatch.setattr(tagger, "tag", tag)
    with pytest.raises(RuntimeError, match="no memory"):
        tag_chunk(tagger, chunk_of(["good", "bad"]))


def test_observers_are_told_of_every_call_that_succeeded(tagger, monkeypatch):
    told = []
    monkeypatch.setattr(module, "_observers", [lambda model, texts, seconds: told.append((model, texts, seconds >= 0))])
    tag_chunk(tagger, chunk_of(["good", tagger.poison, "bad", "bad"]))
    assert told == [(tagger, 1, True), (tagger, 2, True)]


def test_joined_tags_are_those_of_the_parts_in_order(tagger):
    texts = ["Acme good", "bad", "parcel Acme Acme"]
    whole = tagger.tag(texts)
    joined = join([tagger.tag(texts[:1]), tagger.tag(texts[1:2]), tagger.tag(texts[2:])])
    assert [row_of(joined, row) for row in range(3)] == [row_of(whole, row) for row in range(3)]


def test_the_handler_tags_whole_chunks_and_loads_what_it_was_handed(tagger):
    handler = ChunkTagger(lambda: tagger)
    chunk = chunk_of(["good", "bad"])
    done, = handler.run_inference([chunk], handler.load_model())
    assert done.chunk is chunk
    assert handler.batch_elements_kwargs() == {"min_batch_size": 1, "max_batch_size": 1}


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A job that is this process's own of its settings, over a store in a file."""
    settings = JobSettings(f"sqlite:///{tmp_path / 'store.db'}", "job", "stream", 0, MINUTE, MINUTE, 2 * S)
    store = Store(settings.store_url)
    store.open_job("job", "stream", MINUTE, MINUTE)
    made = Job(settings, store, JsonDecoder(65_536), clock=lambda: START / S)
    made.add("texts/0")
    monkeypatch.setattr(jobs, "_jobs", {settings.key: made})
    yield made
    store.close()


def poll_of(job, texts):
    """One poll of these texts, handed on."""
    values = [f'{{"event_id": "e{row}", "event_time": {START // 1000}, "text": "{text}", "source": "posts"}}'.encode()
              for row, text in enumerate(texts)]
    poll = job.take([Raw("texts/0", np.arange(len(values)), values, [None] * len(values))])
    job.hand_on(poll)
    return poll


def letters(job):
    with job.store.snapshot() as db:
        columns = tables.dead_letters.c
        return db.execute(sa.select(columns.offset, columns.reason, columns.detail, columns.event_id).order_by(columns.offset)).all()


@pytest.fixture
def to_units(job, tagger):
    step = ToUnits(job.settings, lambda: None, lambda: tagger, Sinks())
    step.setup()
    yield step
    step.teardown()


def bundle_of(step, *chunks):
    """The elements that a bundle of these tagged chunks gives, in order, with its timestamp each."""
    step.start_bundle()
    for chunk in chunks:
        yield from step.process(chunk)
    yield from step.finish_bundle()


def test_a_text_on_which_the_model_fails_is_a_dead_letter_and_all_others_are_counted(job, tagger, to_units):
    chunk = poll_of(job, ["good", tagger.poison, "bad", "good parcel", tagger.poison]).chunk
    units = [stamped.value for stamped in bundle_of(to_units, tag_chunk(tagger, chunk))]
    assert letters(job) == [(1, "model_error", "poisoned", "e1"), (4, "model_error", "poisoned", "e4")]
    (key, unit), = units
    assert (key, unit.records, unit.last_offset) == ((START, "texts/0", "posts", "", 0), 3, 3)
    assert {place: (cell.negative, cell.positive) for place, cell in unit.cells.items()} == {
        ("und", "other"): (1, 1), ("und", "delivery"): (0, 1)}
    job.write([(UnitKey(*key), unit)])
    job.save()
    assert verify(job.store) == []


def test_the_units_of_every_chunk_of_a_bundle_come_once_and_in_order(job, tagger, to_units):
    chunks = [tag_chunk(tagger, poll_of(job, ["good"] * many).chunk) for many in (1, 2, 3)]
    found = list(bundle_of(to_units, *chunks))
    assert [stamped.value[1].records for stamped in found] == [1, 2, 3]
    assert {stamped.timestamp.micros for stamped in found} == {START}
    assert list(to_units.finish_bundle()) == []


def test_a_failed_bundle_leaves_nothing_to_the_next(job, tagger, to_units):
    to_units.start_bundle()
    assert list(to_units.process(tag_chunk(tagger, poll_of(job, ["good"]).chunk))) == []
    assert list(bundle_of(to_units)) == []


def test_a_fault_in_cutting_fails_the_bundle_of_its_chunk(job, tagger, to_units):
    tagged = tag_chunk(tagger, poll_of(job, ["good", "bad"]).chunk)
    for event in tagged.chunk.events:
        event.author_id = None
    with pytest.raises(AttributeError):
        list(bundle_of(to_units, tagged))


def test_the_letter_is_durable_before_the_unit_without_it_can_be(job, tagger, to_units):
    chunk = poll_of(job, ["good", tagger.poison]).chunk
    next(bundle_of(to_units, tag_chunk(tagger, chunk)))
    assert [letter.offset for letter in letters(job)] == [1]


def test_a_chunk_of_nothing_but_poison_leaves_letters_and_no_unit(job, tagger, to_units):
    chunk = poll_of(job, [tagger.poison] * 3).chunk
    assert list(bundle_of(to_units, tag_chunk(tagger, chunk))) == []
    assert [letter.reason for letter in letters(job)] == ["model_error"] * 3
    assert job.settled()


def test_a_text_that_cannot_be_tabulated_is_left_out_and_named_as_one_that_cannot_be_tagged(tagger):
    chunk = chunk_of(["good", "bad", "good"])
    tagged = tag_chunk(tagger, chunk)
    chunk.events[1].author_id = None   # stands for what no rule at the door has foreseen
    units, failed = units_and_failures(tagged, tagger, MASKS)
    assert list(failed) == [1]
    assert sum(unit.records for _, unit, _ in units) == 2


def test_a_fault_of_every_row_is_no_matter_of_records_and_is_raised(tagger):
    chunk = chunk_of(["good", "bad"])
    tagged = tag_chunk(tagger, chunk)
    for event in chunk.events:
        event.author_id = None
    with pytest.raises(AttributeError):
        units_and_failures(tagged, tagger, MASKS)
