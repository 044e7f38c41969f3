"""A policy that cannot be used says which line, what is wrong, and what to write instead; never anything of a key."""
import pytest

from privacy.policy import Mode, PolicyError, parse_policy, read_key, read_policy

SECRET = "0123456789abcdef-not-to-be-shown"


def test_a_file_with_everything(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('''default = "pseudonym"
author_id = "keep"
[kinds]
email = "mask"
[patterns.order]
pattern = 'ORD-\\d{6}'
mode = "keep"
[key]
file = "key"
[[examples]]
text = "a"
becomes = "a"
''')
    policy = read_policy(path)

    assert [policy.mode_of(kind) for kind in ("email", "phone", "order")] == [Mode.MASK, Mode.PSEUDONYM, Mode.KEEP]


@pytest.mark.parametrize(("text", "said"), [
    ('default = "mask"\n[kinds]\nemial = "mask"', "line 3: unknown kind 'emial'; known are email, phone"),
    ('[kinds]\nemail = "hide"', "line 2: email = 'hide': a mode is mask, pseudonym, keep"),
    ('defualt = "mask"', "line 1: Object contains unknown field `defualt`"),
    ("[patterns.order]\npattern = '(['", "line 1: [patterns.order]: '([' is no pattern of RE2: "),
    ("[patterns.order]\npattern = 'a*'", "line 1: [patterns.order]: 'a*' matches nothing at all"),
    ("[patterns.order]\npattern = 'a(?=b)'", "is no pattern of RE2"),
    ("[patterns.email]\npattern = 'a'", "choose another name"), ("[patterns.'a b']\npattern = 'a'", "choose another name"),
    ("[key]\nfile = 'a'\nvariable = 'b'", "line 1: [key] names a file or a variable"), ("[key]", "names a file or a variable"),
    ("a = 1 2", "line 1"), ("kinds = 3", "Expected `object`")])
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, said):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(PolicyError) as found:
        read_policy(path)
    assert said in str(found.value) and str(path) in str(found.value)


@pytest.mark.parametrize("text", ["default = " + "[" * 2_000, "default = " + "9" * 5_000])
def test_nesting_and_numbers_without_bounds_are_one_line(text):
    with pytest.raises(PolicyError, match="not TOML: a number or a nesting is too large"):
        parse_policy(text)


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(PolicyError, match="No such file"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="utf-8"):
        read_policy(tmp_path / "bad.toml")


def test_a_key_comes_from_a_file_or_a_variable(tmp_path, monkeypatch):
    (tmp_path / "key").write_text(f"{SECRET}\n")
    monkeypatch.setenv("THE_KEY", SECRET)
    assert read_key(parse_policy(f"[key]\nfile = '{tmp_path}/key'").key) == SECRET.encode()
    assert read_key(parse_policy("[key]\nvariable = 'THE_KEY'").key) == SECRET.encode()
    assert read_key(None) is None


@pytest.mark.parametrize("key", ["short", "a" * 64])
def test_a_weak_key_is_refused_and_not_shown(monkeypatch, key):
    monkeypatch.setenv("THE_KEY", key)
    with pytest.raises(PolicyError, match="variable THE_KEY: the key is too easy to guess") as found:
        read_key(parse_policy("[key]\nvariable = 'THE_KEY'").key)
    assert "short" not in str(found.value) and "aaa" not in str(found.value)


def test_a_key_that_is_not_there_is_named(tmp_path, monkeypatch):
    for unset in (lambda: monkeypatch.delenv("THE_KEY", raising=False), lambda: monkeypatch.setenv("THE_KEY", "")):
        unset()
        with pytest.raises(PolicyError, match="variable THE_KEY is not set, or empty"):
            read_key(parse_policy("[key]\nvariable = 'THE_KEY'").key)
    with pytest.raises(PolicyError, match="No such file"):
        read_key(parse_policy(f"[key]\nfile = '{tmp_path}/none'").key)
