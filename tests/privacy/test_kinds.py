"""What is personal is found and of the right kind; what looks like it is left; and no text makes that slow or wrong."""
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.kinds import KINDS, find

PERSONAL = [
    ("mail jo.doe+x@example.co.uk now", "jo.doe+x@example.co.uk", "email"), ("联系我abc@x.com谢谢", "abc@x.com", "email"),
    ("jo (at) example (dot) org", "jo (at) example (dot) org", "email"),
    ("call +44 20 7946 0958", "+44 20 7946 0958", "phone"), ("手机13812345678。", "13812345678", "phone"),
    ("电话１３８１２３４５６７８", "１３８１２３４５６７８", "phone"), ("(030) 123-4567", "(030) 123-4567", "phone"),
    ("ring 415-555-2671", "415-555-2671", "phone"), ("座机 010-62751234", "010-62751234", "phone"),
    ("card 4111 1111 1111 1111", "4111 1111 1111 1111", "card"), ("卡号4111-1111-1111-1111，", "4111-1111-1111-1111", "card"),
    ("IBAN DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00", "iban"),
    ("GB29NWBK60161331926819", "GB29NWBK60161331926819", "iban"),
    ("身份证11010519491231002X", "11010519491231002X", "cn_id"),
    ("990105194912310023", "990105194912310023", "cn_id"), ("SSN 536-90-4399", "536-90-4399", "us_ssn"),
    ("passport AB1234567", "AB1234567", "passport"), ("护照E12345678过期", "E12345678", "passport"),
    ("driving licence MORGA657054SM9IJ", "MORGA657054SM9IJ", "licence"), ("driver's license D1234567", "D1234567", "licence"),
    ("at 10.0.0.1 today", "10.0.0.1", "ip"), ("at 2001:db8::1", "2001:db8::1", "ip"), ("aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff", "mac"),
    ("see https://a.example/p?token=1", "https://a.example/p?token=1", "secret_link"),
    ("https://me:pw@a.example/", "https://me:pw@a.example/", "secret_link"), ("看 www.example.com/私 吧", "www.example.com/私", "link"),
    ("my password is hunter2!", "hunter2!", "secret"), ("密码：abc123，谢谢", "abc123", "secret"), ("PIN: 4711", "4711", "secret"),
    ("token sk_live_abcdef1234567890abcd", "sk_live_abcdef1234567890abcd", "key"),
    ("eyJhbGciOi.eyJzdWIi.c2ln", "eyJhbGciOi.eyJzdWIi.c2ln", "key"),
    ("thanks @SomeOne", "@SomeOne", "handle"), ("＠小明 好", "＠小明", "handle"),
    ("order A-99812345", "A-99812345", "code"), ("account 12345678", "12345678", "number")]
NOT_PERSONAL = [
    "flight BA2490 for $1200 at 10:20:30 on 2026-06-01, 1,234,567 people", "我在5号店买了12件", "", "2019-2020", "2026-06-01 10:20",
    "pi is 3.14159265", "a well-known-and-rather-long-hyphenated-word", "password is required", "at 300.1.2.3", "::", "C++ :: std",
    "the PIN is wrong", "ratio 12:34:56", "iPhone 15 Pro", "100%", "@ home"]


@pytest.mark.parametrize(("text", "said", "kind"), PERSONAL)
def test_what_is_personal_is_found_and_of_its_kind(text, said, kind):
    assert [(text[start:end], found) for start, end, found in find(text)] == [(said, kind)]


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_what_looks_like_it_is_left(text):
    assert list(find(text)) == []


def test_check_digits_decide():
    assert [kind for *_, kind in find("4111 1111 1111 1112")] == ["number"]
    assert [kind for *_, kind in find("110105194912310021")] == ["number"]
    assert [kind for *_, kind in find("DE88370400440532013000")] == ["key"]


texts = st.text(st.sampled_from("ab1 2@.:-/+_X=?酒１（)\n\x00é👍") | st.characters(), max_size=400)


@given(texts)
def test_whatever_the_text_stretches_are_in_order_apart_and_of_known_kinds(text):
    found = list(find(text))
    assert all(kind in KINDS and start < end <= len(text) for start, end, kind in found)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))
