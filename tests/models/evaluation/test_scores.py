"""Precision, recall, F1 and confusion: the figures of the libraries that define them, and their laws."""
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import data
from models.evaluation.result import Score, Scores
from models.evaluation.scores import TypedSpan, label_scores, span_scores
from models.taxonomy import ENTITY_TYPES

NAMES = ("a", "b", "c", "d")
KINDS = ("person", "location", "group")
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
SPANS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(4, 6)), unique=True)
TAGS = st.sampled_from(["O", *(f"{part}-{kind}" for part in "BI" for kind in KINDS)])


def of_labels(pairs: list[tuple[int, int]], names: tuple[str, ...] = NAMES) -> Scores:
    return label_scores([gold for gold, _ in pairs], [said for _, said in pairs], names)


def figures(score: Score) -> tuple[float, float, float]:
    return score.precision, score.recall, score.f1


def test_class_scores_are_those_of_scikit_learn() -> None:
    # sklearn.metrics.precision_recall_fscore_support and confusion_matrix, scikit-learn 1.9.1; macro with labels=[0, 1, 2], which gold has.
    scores = label_scores([0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 0, 1], [0, 0, 1, 2, 1, 1, 0, 2, 2, 2, 0, 3, 0, 1], NAMES)
    assert scores.classes == {
        "a": Score(0.6, 0.6, 0.6, 5), "b": Score(0.75, 0.75, 0.75, 4), "c": Score(0.75, 0.6, 6 / 9, 5), "d": Score(0, 0, 0, 0)}
    assert figures(scores.macro) == pytest.approx((0.7, 0.65, 0.6722222222222222))
    assert figures(scores.micro) == pytest.approx((0.6428571428571429,) * 3)
    assert figures(scores.weighted) == pytest.approx((0.6964285714285714, 0.6428571428571429, 0.6666666666666666))
    assert scores.confusion is not None
    assert scores.confusion.classes == ["a", "b", "c", "d"]
    assert scores.confusion.counts == [[3, 1, 1, 0], [1, 3, 0, 0], [1, 0, 3, 1], [0, 0, 0, 0]]


def test_macro_f1_is_the_mean_over_the_classes_that_gold_has() -> None:
    assert of_labels([(0, 0), (0, 1)]).macro.f1 == pytest.approx(2 / 3)
    assert of_labels([(0, 0), (1, 0)]).macro.f1 == pytest.approx((2 / 3 + 0) / 2)


@given(PAIRS)
def test_every_row_is_counted_once_in_the_confusion(pairs: list[tuple[int, int]]) -> None:
    scores = of_labels(pairs)
    assert scores.confusion is not None
    classes, counts = scores.confusion.classes, scores.confusion.counts
    assert classes == [NAMES[at] for at in range(4) if any(at in pair for pair in pairs)]
    for row, gold in enumerate(classes):
        assert sum(counts[row]) == scores.classes[gold].support
        for column, said in enumerate(classes):
            assert counts[row][column] == sum((NAMES[a], NAMES[b]) == (gold, said) for a, b in pairs)


@given(PAIRS)
def test_micro_is_the_accuracy_and_weighted_recall_too(pairs: list[tuple[int, int]]) -> None:
    scores = of_labels(pairs)
    accuracy = sum(gold == said for gold, said in pairs) / len(pairs)
    assert figures(scores.micro) == pytest.approx((accuracy,) * 3)
    assert scores.weighted.recall == pytest.approx(accuracy)


@given(PAIRS, st.permutations(range(4)))
def test_the_names_of_classes_and_the_order_of_rows_do_not_matter(pairs: list[tuple[int, int]], order: list[int]) -> None:
    named = {NAMES[order[at]]: at for at in range(4)}
    moved = of_labels([(order[a], order[b]) for a, b in reversed(pairs)])
    scores = of_labels(pairs)
    assert {NAMES[named[name]]: score for name, score in moved.classes.items()} == scores.classes
    assert figures(moved.macro) == pytest.approx(figures(scores.macro))


@given(PAIRS)
def test_precision_and_recall_change_places_when_gold_and_answers_do(pairs: list[tuple[int, int]]) -> None:
    scores, turned = of_labels(pairs), of_labels([(said, gold) for gold, said in pairs])
    assert {name: (score.recall, score.precision) for name, score in turned.classes.items()} == {
        name: (score.precision, score.recall) for name, score in scores.classes.items()}


def of_spans(gold: list[list[TypedSpan]], said: list[list[TypedSpan]]) -> Scores:
    return span_scores(gold, said, KINDS)


def test_span_scores_give_the_figures_of_seqevals_example() -> None:
    # seqeval's readme: O O O B-MISC I-MISC I-MISC O | B-PER I-PER against a MISC that starts one earlier: 0.50.
    scores = of_spans([[("group", 3, 6)], [("person", 0, 2)]], [[("group", 2, 6)], [("person", 0, 2)]])
    assert figures(scores.micro) == (0.5, 0.5, 0.5)
    assert figures(scores.macro) == (0.5, 0.5, 0.5)


def test_a_span_of_the_wrong_type_or_text_does_not_count() -> None:
    assert of_spans([[("person", 0, 2)], []], [[("group", 0, 2)], [("person", 0, 2)]]).micro.f1 == 0


def test_precision_and_recall_of_spans_are_not_swapped() -> None:
    scores = of_spans([[("person", 0, 1), ("person", 2, 3)]], [[("person", 0, 1)]])
    assert figures(scores.micro) == (1.0, 0.5, pytest.approx(2 / 3))
    assert scores.classes == {"person": scores.micro}


def test_scores_of_nothing_are_zero() -> None:
    none = Score(0, 0, 0, 0)
    for scores in (of_spans([[]], [[]]), label_scores([], [], NAMES)):
        assert (scores.macro, scores.micro, scores.weighted, scores.classes) == (none, none, none, {})


@given(st.lists(SPANS, max_size=4))
def test_gold_scores_one_against_itself(gold: list[list[TypedSpan]]) -> None:
    assert of_spans(gold, gold).micro.f1 == (1.0 if any(gold) else 0.0)


@given(st.lists(st.tuples(SPANS, SPANS), max_size=4))
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs: list[tuple[list[TypedSpan], list[TypedSpan]]]) -> None:
    scores = of_spans([gold for gold, _ in pairs], [said for _, said in pairs])
    for score in (scores.micro, *scores.classes.values()):
        total = score.precision + score.recall
        assert score.f1 == pytest.approx(2 * score.precision * score.recall / total if total else 0.0)
    assert scores.micro.support == sum(len(gold) for gold, _ in pairs)


def spans_of(tags: list[str]) -> list[TypedSpan]:
    """The spans of BIO tags, as the sets are read."""
    return [(ENTITY_TYPES[kind], start, end) for kind, start, end in data.joined(["x"] * len(tags), tags, "").entities or ()]


@given(st.lists(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=12), min_size=1, max_size=6))
def test_span_scores_are_those_of_seqeval_on_any_tags(texts: list[list[tuple[str, str]]]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics", reason="needs seqeval")
    gold, said = ([[pair[at] for pair in text] for text in texts] for at in (0, 1))
    scores = of_spans([spans_of(tags) for tags in gold], [spans_of(tags) for tags in said])
    theirs = seqeval.classification_report(gold, said, output_dict=True, zero_division=0)
    for name, ours in ({"micro avg": scores.micro, "weighted avg": scores.weighted} | scores.classes).items():
        wanted = theirs.pop(name)
        assert msgspec.structs.asdict(ours) == pytest.approx({
            "precision": wanted["precision"], "recall": wanted["recall"], "f1": wanted["f1-score"], "support": wanted["support"]})
    macro = theirs.pop("macro avg")
    assert not theirs
    if scores.classes and all(score.support for score in scores.classes.values()):   # seqeval's counts types that gold lacks
        assert scores.macro.f1 == pytest.approx(macro["f1-score"])
