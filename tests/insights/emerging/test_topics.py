"""A topic keeps its identity while enough of its words stay, whatever the order in which groups come."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.emerging.topics import COOLING_WINDOWS, QUIET_WINDOWS, Group, Topics, common, name_of, step

MINUTE = 60_000_000


def group(told=1, **words):
    return Group({f"term\t{word}": float(weight) for word, weight in words.items()}, told)


def step_all(of_windows):
    """The topics after the last window."""
    topics = Topics()
    for at, groups in enumerate(of_windows):
        topics, _ = step(topics, "job", at * MINUTE, MINUTE, groups)
    return topics


def run(of_windows):
    """The topics told after each window, by id."""
    topics, found = Topics(), []
    for at, groups in enumerate(of_windows):
        topics, _ = step(topics, "job", at * MINUTE, MINUTE, groups)
        found.append({topic.id: topic for topic in topics.topics if topic.told and topic.closed_us is None})
    return found


STRIKE, STORM = group(strike=9, pilots=6, union=4), group(storm=8, snow=7)


def test_a_topic_is_told_when_it_was_found_twice_and_named_by_its_heaviest_words():
    found = run([[STRIKE], [STRIKE]])

    assert found[0] == {}
    (topic,) = found[1].values()
    assert topic.name == ("term\tstrike", "term\tpilots", "term\tunion")
    assert (topic.opened_us, topic.last_us, topic.records) == (0, MINUTE, 18)


def test_a_group_seen_once_is_no_topic():
    assert run([[STRIKE], *[[]] * 60])[-1] == {}


def test_a_topic_keeps_its_id_while_its_words_drift():
    words = [f"w{number}" for number in range(40)]
    drifting = [[Group(dict.fromkeys(words[at // 4:at // 4 + 5], 5.0), 1)] for at in range(80)]

    ids = {name for of_window in run(drifting)[1:] for name in of_window}

    assert len(ids) == 1


def test_two_topics_at_once_stay_apart():
    found = run([[STRIKE, STORM]] * 20)

    assert len(found[-1]) == 2
    assert {frozenset(topic.members) for topic in found[-1].values()} == {frozenset(STRIKE.words), frozenset(STORM.words)}


def test_what_merges_goes_to_the_topic_with_more_in_common_and_what_splits_leaves_it_the_larger_part():
    merged = group(strike=9, pilots=6, union=4, storm=3, snow=2)
    found = run([*[[STRIKE, STORM]] * 5, *[[merged]] * 3, *[[STRIKE, STORM]] * 5])
    strike = next(topic.id for topic in found[4].values() if "term\tstrike" in topic.members)

    assert found[7][strike].last_us == 7 * MINUTE
    assert found[-1][strike].last_us == 12 * MINUTE
    assert found[-1].keys() == found[4].keys()


def test_a_topic_whose_words_go_over_to_a_larger_one_closes_and_says_into_which():
    merged = group(strike=9, pilots=6, union=4, storm=3, snow=2)
    found = step_all([*[[STRIKE, STORM]] * 5, [merged]])
    strike = next(topic for topic in found.topics if "term\tstrike" in topic.members)
    storm = next(topic for topic in found.topics if topic.name == ("term\tstorm", "term\tsnow"))

    assert (storm.closed_us, storm.into) == (5 * MINUTE, strike.id)
    assert strike.closed_us is None

    back = next(topic for topic in step_all([*[[STRIKE, STORM]] * 5, [merged], [STRIKE, STORM]]).topics if topic.id == storm.id)
    assert (back.closed_us, back.into) == (None, None)


def test_a_topic_that_only_shares_some_words_with_a_larger_one_stays_open():
    found = step_all([*[[STRIKE, STORM]] * 5, [group(strike=9, pilots=6, union=4, snow=2)]])

    assert all(topic.closed_us is None for topic in found.topics)


def test_what_was_found_once_and_goes_over_is_no_topic():
    found = step_all([[STRIKE], [STRIKE, STORM], [group(strike=9, pilots=6, union=4, storm=3, snow=2)]])

    assert len(found.topics) == 1


def test_a_quiet_topic_closes_and_opens_again_if_it_comes_back_soon():
    found = run([[STRIKE], [STRIKE], *[[]] * (QUIET_WINDOWS + 5), [STRIKE], *[[]] * (QUIET_WINDOWS + COOLING_WINDOWS), [STRIKE], [STRIKE]])
    first = [name for of_window in found[:QUIET_WINDOWS + 8] for name in of_window]

    assert found[QUIET_WINDOWS + 2] == {}
    assert len(set(first)) == 1
    assert first[0] not in found[-1] and len(found[-1]) == 1


def test_a_name_changes_only_for_a_word_that_weighs_much_more():
    assert name_of({"term\ta": 10, "term\tb": 9, "term\tc": 8, "term\td": 10}, ("term\ta", "term\tb", "term\tc")) == (
        "term\ta", "term\tb", "term\tc")
    assert "term\td" in name_of({"term\ta": 10, "term\tb": 9, "term\tc": 8, "term\td": 13}, ("term\ta", "term\tb", "term\tc"))


def test_an_entity_and_its_own_word_are_named_once():
    assert name_of({"entity\tcompany\tacme air": 9, "term\tacme": 8, "term\tlate": 3}) == ("entity\tcompany\tacme air", "term\tlate")
    assert name_of({"entity\thashtag\t#acme": 9, "term\tacme": 8, "term\tlate": 3}) == ("entity\thashtag\t#acme", "term\tlate")


weights = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.5, 20), min_size=2)


words_of_groups = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(0, 2), st.floats(0.5, 20)))


def disjoint(said):
    """Groups of a window: each word is in one of them."""
    made = [{word: weight for word, (number, weight) in said.items() if number == wanted} for wanted in range(3)]
    return [words for words in made if words]


@given(st.lists(words_of_groups.map(disjoint), max_size=12), st.randoms())
def test_the_order_of_groups_and_of_their_words_does_not_matter(of_windows, random):
    def shuffled(groups):
        mixed = [dict(random.sample(sorted(words.items()), len(words))) for words in groups]
        return random.sample(mixed, len(mixed))

    def found(order):
        return run([[Group(words, 1) for words in order(groups)] for groups in of_windows])

    assert found(list) == found(shuffled)


@given(weights, weights)
def test_common_weight_is_a_share_and_symmetric(one, other):
    assert common(one, one) == pytest.approx(1)
    assert 0 <= common(one, other) <= 1 + 1e-9
    assert common(one, other) == pytest.approx(common(other, one))
