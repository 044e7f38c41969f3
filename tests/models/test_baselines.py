import pytest

from models import baselines
from models.baselines import Gazetteer, KeywordVote, terms
from models.data import Example


def test_the_class_whose_keywords_a_text_holds_wins() -> None:
    vote = KeywordVote(["good fine"] * 3 + ["bad poor"] * 3 + ["bad day"] * 2, [0] * 3 + [1] * 5)
    assert vote.predict(["a good one", "a poor one"]) == [0, 1]


def test_the_words_that_tell_most_are_the_keywords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "WORDS_PER_CLASS", 1)
    vote = KeywordVote(["good the"] * 4 + ["bad the"] * 5, [0] * 4 + [1] * 5)
    assert vote.predict(["good the"]) == [0]


def test_without_a_keyword_or_in_a_tie_the_majority_is_the_answer() -> None:
    vote = KeywordVote(["good"] * 3 + ["bad"] * 4, [0] * 3 + [1] * 4)
    assert vote.predict(["unheard of", "good bad"]) == [1, 1]


def test_chinese_is_read_by_pairs_of_characters() -> None:
    assert terms("足球队 won") == ["足球", "球队", "won"]


def test_a_gazetteer_takes_the_longest_known_name_and_its_commonest_type() -> None:
    train = [
        Example("New York Times", entities=((1, 0, 14),)),
        Example("New York", entities=((2, 0, 8),)),
        Example("中国", entities=((2, 0, 6),)),
    ]
    found = Gazetteer(train).predict(["in New York Times and New York", "é 去中国"])
    assert found == [[(1, 3, 17), (2, 22, 30)], [(2, 6, 12)]]


def test_a_name_is_only_found_as_whole_words() -> None:
    assert Gazetteer([Example("Ann", entities=((0, 0, 3),))]).predict(["Annual"]) == [[]]
