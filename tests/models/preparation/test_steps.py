"""The steps that look at rows: copies, near copies, the dev split, languages, licences."""
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import SETS, key_of
from models.preparation import licences
from models.preparation.balance import balance
from models.preparation.duplicates import Candidate, apart, unique
from models.preparation.language import language
from models.preparation.near_duplicates import LEAST_JACCARD, SHORTEST, jaccard, near, shingles
from models.preparation.row import Entity, Row
from models.preparation.splits import held_out

TEXTS = st.lists(st.tuples(st.sampled_from(["a b", "A, b!", "ab", "c", "😀", "😀!", "d"]), st.sampled_from(["positive", "negative"])))


def candidates(rows: list[tuple[str, str]]) -> list[Candidate]:
    return [Candidate(row(f"r{at}", text, sentiment=label), key_of(text)) for at, (text, label) in enumerate(rows)]


def row(row_id: str, text: str, **labels: object) -> Row:
    return Row(id=row_id, set="s", split="train", text=text, lang="en", kind="post", licence="permissive", **labels)


@given(TEXTS, st.booleans())
def test_of_copies_the_first_stays_and_no_row_is_lost(rows: list[tuple[str, str]], trained_on: bool) -> None:
    given_rows = candidates(rows)
    found = unique(given_rows, trained_on=trained_on)
    assert sorted(c.row.id for c in given_rows) == sorted(c.row.id for c in (*found.kept, *found.repeated, *found.conflicting))
    assert len({c.key for c in found.kept}) == len(found.kept)
    firsts = {c.key: c.row.id for c in reversed(given_rows)}
    assert all(firsts[c.key] == c.row.id for c in found.kept)


@given(TEXTS)
def test_a_text_with_two_labels_is_not_trained_on_and_is_counted(rows: list[tuple[str, str]]) -> None:
    labels: dict[str, set[str]] = {}
    for text, label in rows:
        labels.setdefault(key_of(text), set()).add(label)
    found = unique(candidates(rows), trained_on=True)
    assert {c.key for c in found.kept} == {key for key, seen in labels.items() if len(seen) == 1}
    assert found.conflicts == sum(len(seen) > 1 for seen in labels.values())
    assert unique(candidates(rows), trained_on=False).conflicts == found.conflicts


def test_texts_without_letters_are_copies_only_when_they_are_equal() -> None:
    found = unique(candidates([("😀", "positive"), ("😡", "negative"), ("😀", "positive")]), trained_on=True)
    assert [c.row.text for c in found.kept] == ["😀", "😡"]


def test_the_balance_counts_mentions_and_rows_without_any() -> None:
    two = (Entity("person", 0, 1), Entity("person", 2, 3))
    shares = balance([row("1", "A B", entities=two), row("2", "C", entities=()), row("3", "D", topic="food", silver={"topic": "t"})])
    assert [(share.task, share.label, share.teacher, share.count) for share in shares] == [
        ("entities", "(none)", "", 1), ("entities", "person", "", 2), ("topic", "food", "t", 1)]


def test_copies_with_the_same_entities_at_other_places_do_not_differ() -> None:
    rows = [row("1", "Ann, hi", entities=(Entity("person", 0, 3),)), row("2", "- Ann hi", entities=(Entity("person", 2, 5),))]
    found = unique([Candidate(one, key_of(one.text)) for one in rows], trained_on=True)
    assert [c.row.id for c in found.kept] == ["1"]


@given(TEXTS, st.sets(st.sampled_from(["ab", "c", "d", "😀"])))
def test_a_text_among_the_evaluated_is_taken_out_and_the_others_stay(rows: list[tuple[str, str]], evaluated: set[str]) -> None:
    kept, also_there = apart(candidates(rows), evaluated)
    assert len(kept) + len(also_there) == len(rows)
    assert all(c.key in evaluated for c in also_there)
    assert not any(c.key in evaluated for c in kept)


@given(st.sets(st.text(min_size=1, max_size=4), max_size=80), st.randoms(use_true_random=False), st.integers(0, 3))
def test_the_dev_split_has_a_tenth_of_every_label_and_does_not_know_the_order(texts: set[str], rng: random.Random, seed: int) -> None:
    keys = [(text, "long" if len(text) > 2 else "short") for text in sorted(texts)]
    dev = held_out(keys, seed)
    for label in ("long", "short"):
        of_label = {key for key, its in keys if its == label}
        assert len(of_label & dev) == round(len(of_label) / 10)
    rng.shuffle(keys)
    assert held_out(keys, seed) == dev


def test_another_seed_gives_another_dev_split() -> None:
    keys = [(str(number), "a") for number in range(200)]
    assert held_out(keys, 1) != held_out(keys, 2)


@pytest.mark.parametrize(("text", "expected"), [
    ("hello world", "en"), ("你好，世界", "zh"), ("我的 iPhone 坏了 please help", "zh"), ("iPhone", "en"), ("été à la mer", "en"),
    ("<user> 你好", "zh"), ("привет мир", "other"), ("これはペンです", "other"), ("안녕하세요", "other"),
    ("100 % 😀", "other"), ("", "other"), ("<user> <url>", "other")])
def test_a_language_is_told_by_its_script(text: str, expected: str) -> None:
    assert language(text) == expected


def test_every_set_has_a_licence_class() -> None:
    assert set(licences.CLASS_OF) == {dataset.name for dataset in SETS}
    assert {*licences.CLASS_OF.values(), *licences.CLASS_OF_KIND.values()} <= set(licences.CLASSES)
    assert licences.licence_class("tweets_en", "ticket") == licences.NON_COMMERCIAL != licences.licence_class("tweets_en", "post")


def test_near_copies_are_found_and_are_what_an_exact_comparison_finds() -> None:
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghij银行卡账户", k=5)) for _ in range(60)]
    evaluated = ["".join(rng.choices(words, k=rng.randint(6, 30))) for _ in range(60)]
    changed = [key[:at] + "#" * rng.randint(1, 6) + key[at:] for key in evaluated for at in (0, len(key) // 2)]
    keys = [*changed, *("".join(rng.choices(words, k=20)) for _ in range(60)), "short one", *(key[:SHORTEST - 1] for key in evaluated)]
    exact = {key for key in keys if len(key) >= SHORTEST and any(
        len(other) >= SHORTEST and jaccard(shingles(key), shingles(other)) >= LEAST_JACCARD for other in evaluated)}
    found = near(keys, evaluated)
    assert found <= exact
    assert len(exact) > 60
    assert len(exact - found) <= 0.05 * len(exact)


@given(st.text(min_size=5, max_size=60), st.text(min_size=5, max_size=60))
def test_shingles_are_compared_as_sets(first: str, second: str) -> None:
    sets = [{text[at:at + 5] for at in range(len(text) - 4)} for text in (first, second)]
    assert jaccard(shingles(first), shingles(second)) == len(sets[0] & sets[1]) / len(sets[0] | sets[1])
