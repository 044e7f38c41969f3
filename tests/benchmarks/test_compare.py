"""What make compare makes of answers: classes, spans, speeds and a table. No peer is installed here, and nothing is timed."""
import json
from itertools import count, pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compare import answering, install, ours, table
from benchmarks.compare.measure import model_sets, peer_sets
from benchmarks.compare.peers import LAC_TYPES, PEERS, SPACY_TYPES, of_compound, of_polarity, of_probability, sentiment_of, typed
from benchmarks.compare.result import FORMAT, Comparison, Line, System, scored
from benchmarks.compare.rounds import serve, spread, timed
from models.data import SETS, DataSet, Example
from models.evaluation.answers import answer
from models.evaluation.rows import Split
from models.folder import LABELS, MANIFEST
from models.load import DEFAULT, load
from models.taxonomy import ENTITY_TYPES, TOPICS
from schemas.tagging import SENTIMENTS

OF_NAME = {one.name: one for one in SETS}
MIRRORED = {"negative": "positive", "neutral": "neutral", "positive": "negative"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(("score", "said"), [
    (0.05, "positive"), (0.0499, "neutral"), (0.0, "neutral"), (-0.0499, "neutral"), (-0.05, "negative"), (1.0, "positive")])
def test_a_compound_score_is_read_as_vader_documents_it(score: float, said: str) -> None:
    assert of_compound(score, "") == said


@given(st.floats(-1, 1), st.floats(0, 1))
def test_a_score_and_its_opposite_have_opposite_classes(score: float, bound: float) -> None:
    assert sentiment_of(-score, bound) == MIRRORED[sentiment_of(score, bound)]


def test_a_polarity_is_read_by_its_sign_and_a_probability_has_no_neutral() -> None:
    assert [of_polarity(score, "") for score in (-0.01, 0.0, 0.01)] == ["negative", "neutral", "positive"]
    assert [of_probability(score, "") for score in (0.0, 0.49, 0.5, 1.0)] == ["negative", "negative", "positive", "positive"]


@given(TEXT, st.data())
def test_spans_in_characters_become_the_same_words_in_bytes(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    label = data.draw(st.sampled_from([*SPACY_TYPES, "NORP", "DATE"]))

    read = typed(SPACY_TYPES)([(label, start, end)], text)

    assert [kind for kind, _, _ in read] == ([SPACY_TYPES[label]] if label in SPACY_TYPES else [])
    for _, first, last in read:
        assert text.encode()[first:last].decode() == text[start:end]


@pytest.mark.model
def test_of_our_entities_those_that_patterns_found_are_left_out_as_in_an_evaluation() -> None:
    text = "@you sent $30 to Berlin on 2025-03-04 #angry"
    tool = ours.model(DEFAULT)({"task": "entities"})
    assert {kind for kind, *_ in tool([text])[0]} <= {*ENTITY_TYPES}
    model = load(DEFAULT)
    every = [span for spans in answer(model.tag, [text]).entities for span in spans]
    assert {model.entity_types[kind] for kind, *_ in every} >= {"money", "date", "hashtag"}


def test_every_type_that_a_peer_finds_is_one_of_ours() -> None:
    assert {*SPACY_TYPES.values(), *LAC_TYPES.values()} <= {*ENTITY_TYPES}


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.key)
def test_every_peer_has_known_sets_a_loader_and_pinned_packages(peer) -> None:
    assert {*peer.sets} <= {*OF_NAME}
    assert peer.key in answering.LOADERS
    assert {*peer.packages} <= {*install.versions()}


def test_a_peer_without_sets_of_its_own_answers_every_classification() -> None:
    split = Split(Path(), "dev", False, {one: [Example("a")] for one in SETS}, [])
    asked = {peer.key: [one.name for one in peer_sets(peer, split)] for peer in PEERS}

    assert asked["tfidf_svm"] == [one.name for one in SETS if one.task != "entities"]
    assert asked["lac"] == ["weibo_zh", "people_daily_zh"]


@given(st.integers(0, 500), st.integers(0, 60))
def test_the_timed_rows_are_spread_evenly_over_all(rows: int, most: int) -> None:
    numbers = spread(rows, most)

    assert len(numbers) == (min(rows, most) if most else rows)
    assert all(0 <= number < rows for number in numbers)
    gaps = {later - earlier for earlier, later in pairwise([*numbers, rows] if numbers else [])}
    assert not gaps or (min(gaps) >= 1 and max(gaps) - min(gaps) <= 1)


def test_a_round_lasts_as_long_as_asked_and_counts_every_text() -> None:
    ticks, handed = count(), []

    per_s, cores = timed(
        lambda texts: handed.append(len(texts)) or [], ["a"] * 10, 3, 4.0, clock=lambda: float(next(ticks)), cpu=lambda: 0.0)

    assert handed == [10] * 9   # the clock goes on by a second at each look: 1, 2 and 3 are below 4
    assert per_s == [30 / 4] * 3
    assert cores == 0.0


def test_answers_go_back_in_the_order_of_the_texts_and_a_tool_is_loaded_once(tmp_path: Path) -> None:
    sets = [{"name": name, "texts": ["b", "a", "c"], "timed": [1]} for name in ("one", "two")]
    (tmp_path / "work").write_text(json.dumps({"rounds": 2, "least_s": 0, "sets": sets}))
    loaded: list[str] = []

    def load():
        loaded.append("tool")
        return lambda one: lambda texts: [one["name"] + text for text in texts]

    serve(load, tmp_path / "work", tmp_path / "out")
    said = json.loads((tmp_path / "out").read_text())

    assert [of_set["answers"] for of_set in said["sets"].values()] == [["oneb", "onea", "onec"], ["twob", "twoa", "twoc"]]
    assert all(len(of_set["per_s"]) == 2 for of_set in said["sets"].values())
    assert loaded == ["tool"]


def test_labels_are_scored_as_evaluate_scores_them_and_a_class_of_another_model_is_only_wrong() -> None:
    examples = [Example("a", topic=TOPICS.index(name)) for name in ("cards", "cards", "travel", "travel")]

    assert scored(OF_NAME["titles_zh"], examples, ["cards", "cards", "travel", "travel"]) == {"accuracy": 1.0, "macro_f1": 1.0}
    found = scored(OF_NAME["titles_zh"], examples, ["cards", "cards", "travel", "of my own"])
    assert found == {"accuracy": 0.75, "macro_f1": pytest.approx((1 + 2 / 3) / 2)}


def test_entities_are_right_only_with_type_and_both_ends() -> None:
    person, place = ENTITY_TYPES.index("person"), ENTITY_TYPES.index("location")
    examples = [Example("Anna in Bern", entities=((person, 0, 4), (place, 8, 12)))]

    found = scored(OF_NAME["wnut17_en"], examples, [[["person", 0, 4], ["location", 8, 11], ["organisation", 8, 12]]])

    assert found == {"precision": pytest.approx(1 / 3), "recall": 0.5, "f1": pytest.approx(0.4)}


def model(folder: Path, tasks: list[str], *, neutral: bool = True, topics: tuple[str, ...] = TOPICS) -> Path:
    """As much of a model folder as says what it answers."""
    (folder / MANIFEST).write_bytes(msgspec.json.encode({
        "name": "mine", "version": "1", "tasks": tasks, "architecture": "", "training_data": {}, "created": "", "neutral": neutral}))
    (folder / LABELS).write_bytes(msgspec.json.encode({"sentiment": SENTIMENTS, "topic": topics, "entity": ENTITY_TYPES}))
    return folder


def split_of(*sets: tuple[DataSet, Example]) -> Split:
    return Split(Path(), "dev", False, {dataset: [example] for dataset, example in sets}, [])


def test_a_model_is_asked_only_what_it_could_get_right(tmp_path: Path) -> None:
    split = split_of((OF_NAME["tweets_en"], Example("a", sentiment=SENTIMENTS.index("neutral"))),
                     (OF_NAME["reviews_zh"], Example("a", sentiment=SENTIMENTS.index("positive"))),
                     (OF_NAME["titles_zh"], Example("a", topic=TOPICS.index("sports"))), (OF_NAME["wnut17_en"], Example("a", entities=())))

    def asked(**said) -> list[str]:
        sets, left_out = model_sets(model(tmp_path, **said), split)
        assert len(sets) + len(left_out) == len(split.rows)
        return [one.name for one in sets]

    assert asked(tasks=["sentiment", "topic", "entities"]) == ["tweets_en", "reviews_zh", "titles_zh", "wnut17_en"]
    assert asked(tasks=["sentiment"]) == ["tweets_en", "reviews_zh"]
    assert asked(tasks=["sentiment"], neutral=False) == ["reviews_zh"]
    assert asked(tasks=["topic", "entities"], topics=("cards",)) == ["wnut17_en"]


def comparison() -> Comparison:
    """Two models and a peer on two sets, of which the second model answers one."""
    systems = [System(name, "1", name != "VADER", 1, 0.1, "as | said") for name in ("fast", "big", "VADER")]
    labels, spans = {"accuracy": 0.5, "macro_f1": 0.25}, {"precision": 0.5, "recall": 0.25, "f1": 1 / 3}
    lines = [Line("wnut17_en", "entities", 5, "fast", spans, 5, [100.0, 200.0, 900.0], 1.0, 0.0),
             Line("tweets_en", "sentiment", 5, "VADER", labels, 5, [5000.0], 1.0, 0.0),
             Line("tweets_en", "sentiment", 5, "fast", labels, 5, [2000.0], 1.5, 0.0),
             Line("wnut17_en", "entities", 5, "big", spans, 2, [25.0], 1.0, 0.0)]
    return Comparison(FORMAT, "dev", {}, 2, 3, systems, lines, ["left out: LAC"])


def test_the_table_goes_set_by_set_with_the_first_model_on_top_and_its_speed_beside_the_others() -> None:
    rows = table.table(comparison())

    assert [(row[0], row[2], row[5], row[6]) for row in rows] == [
        ("wnut17_en", "fast", "200", "-"), ("wnut17_en", "big", "25", "8"),
        ("tweets_en", "fast", "2,000", "-"), ("tweets_en", "VADER", "5,000", "0.4")]
    assert rows[0][3] == "0.333 (0.500, 0.250)"
    assert rows[3][3] == "0.500 / 0.250"


def test_a_line_without_one_of_the_first_model_has_no_ratio() -> None:
    found = comparison()
    lonely = msgspec.structs.replace(found, lines=[one for one in found.lines if one.system == "VADER"])

    assert [row[6] for row in table.table(lonely)] == ["-"]


@pytest.mark.parametrize(("value", "said"), [(0.49512, "0.495"), (14.84, "14.8"), (453.3, "453"), (17_912.0, "17,900"), (99.96, "100")])
def test_speeds_have_three_digits(value: float, said: str) -> None:
    assert table.significant(value) == said


def test_the_report_names_the_command_the_split_the_models_and_what_is_missing() -> None:
    text = table.markdown(comparison(), "make compare")

    assert "    make compare\n" in text
    assert "The dev split. Models: fast 1, big 1." in text
    assert "- left out: LAC\n" in text
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith(("| tweets_en", "| set"))}
    assert widths == {9}
