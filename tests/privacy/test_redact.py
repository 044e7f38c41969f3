"""Nothing that is to be hidden is left, the rest is as it was, and pseudonyms are the same for the same and of no use without the key."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.kinds import find
from privacy.policy import PolicyError, parse_policy
from privacy.redact import REMEMBERED, Redactor

KEY = bytes(range(32))
MASK = Redactor(parse_policy('author_id = "mask"\nfields = "keep"'))
PSEUDONYMS = Redactor(parse_policy('default = "pseudonym"'), KEY)


def test_masks_say_what_they_stand_for():
    said = MASK.redacted("Jo Doe wrote jo@x.org from 10.0.0.1", [(0, 6)])

    assert said.text == "[person] wrote [email] from [ip]"
    assert said.at(7, 12) == (9, 14) and said.text[9:14] == "wrote"
    assert said.at(0, 2) is None and said.at(13, 21) is None


def test_pseudonyms_are_the_same_for_the_same_however_it_is_written():
    one, other = (PSEUDONYMS.redacted(text).text for text in ("mail Jo@X.org", "mail jo@x.ORG"))
    assert one == other and one.startswith("mail [email:") and "jo" not in one
    numbers = {PSEUDONYMS.redacted(text).text for text in ("+44 20 7946 0958", "+44-20-7946-0958", "+442079460958")}
    assert len(numbers) == 1


def test_pseudonyms_of_another_key_or_kind_are_others():
    other = Redactor(parse_policy('default = "pseudonym"'), KEY[::-1])
    assert other.author("jo") != PSEUDONYMS.author("jo") != PSEUDONYMS.pseudonym("email", "jo")


def test_a_kind_that_is_kept_is_left_even_inside_what_is_hidden():
    keep = Redactor(parse_policy('author_id = "keep"\nfields = "keep"\n[kinds]\nnumber = "keep"\nhandle = "keep"'))
    assert keep.redacted("@jo has 12345678, mail jo@x.org").text == "@jo has 12345678, mail [email]"
    assert keep.author("jo") == "jo"


def test_a_kind_of_ones_own_comes_first():
    own = Redactor(parse_policy("author_id = 'mask'\nfields = 'keep'\n[patterns.order]\npattern = 'order (\\d{6})'"))
    assert own.redacted("order 123456 and 654321").text == "order [order] and [number]"


def test_what_overlaps_is_one_stretch():
    assert MASK.redacted("write Jo jo@x.org", [(6, 11)]).text == "write [email]"


def test_pseudonyms_need_a_key():
    with pytest.raises(PolicyError, match="need a key"):
        Redactor(parse_policy(""))


def test_values_of_fields_that_are_personal_are_pseudonyms_and_others_stay():
    values = {"bank", "jo@x.org", "550e8400-e29b-41d4-a716-446655440000", "AB-123456", "9781402894626", "jo@X.org"}
    keeps = Redactor(parse_policy('default = "keep"\nauthor_id = "keep"\nfields = "keep"'))
    for said in (PSEUDONYMS.names(values), PSEUDONYMS.ids(list(values)), PSEUDONYMS.names(values)):
        assert said.keys() == {"jo@x.org", "jo@X.org"} and said["jo@x.org"] != said["jo@X.org"]
    assert keeps.names(values) == keeps.ids(list(values)) == {}


def test_a_name_of_many_handles_does_not_grow():
    (said,) = PSEUDONYMS.names({"@ab " * 256}).values()
    assert len(said) < 40
    (said,) = PSEUDONYMS.names({"@ab " * 8 + "x" * 900}).values()
    assert said.count("[handle:") == 8


def test_more_values_than_are_remembered_are_all_answered():
    many = {f"a{number}@x.org" for number in range(REMEMBERED + 9)}
    for _ in range(2):
        assert len(set(PSEUDONYMS.names(many).values())) == len(many)


def test_authors_are_numbers_of_their_key_unless_they_are_kept():
    other = Redactor(parse_policy('default = "pseudonym"'), KEY[::-1])
    keeps = [Redactor(parse_policy('default = "pseudonym"\nauthor_id = "keep"'), key) for key in (KEY, KEY[::-1])]
    assert PSEUDONYMS.author_number("ann") != other.author_number("ann") == other.author_number("ann")
    assert keeps[0].author_number("ann") == keeps[1].author_number("ann")
    assert len({PSEUDONYMS.mark, other.mark, keeps[0].mark}) == 3


def test_a_detail_keeps_offsets_and_sizes_and_hides_what_it_quotes():
    assert PSEUDONYMS.detail("70000000 bytes at offset 123456789 of jo@x.org").startswith("70000000 bytes at offset 123456789 of [email:")


texts = st.text(st.sampled_from("ab1 2@.:-/+_X=?酒１（)\n\x00é👍") | st.characters(), max_size=300)


@given(texts, st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=3), st.sampled_from([MASK, PSEUDONYMS]))
def test_whatever_the_text_what_is_hidden_is_gone_and_the_rest_is_as_it_was(text, persons, redactor):
    persons = [(min(start, len(text)), min(end, len(text))) for start, end in persons]
    said = redactor.redacted(text, persons)
    at = 0
    for start, end, _ in said.hidden:
        moved = said.at(at, start)
        assert moved is not None and said.text[slice(*moved)] == text[at:start]
        at = end
    assert said.at(at, len(text)) is not None and said.text.endswith(text[at:])
    assert all(any(start <= begin and stop <= end for start, end, _ in said.hidden) for begin, stop, _ in find(text))
    assert all(any(start <= begin and stop <= end for start, end, _ in said.hidden) for begin, stop in persons if begin < stop)
