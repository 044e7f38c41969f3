"""The step as a whole, on generated sets: what goes in comes out or is accounted for, and a folder is whole or not there."""
import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.data import DataError, key_of
from models.document import markdown, page
from models.preparation import prepare, read, write
from models.preparation.manifest import Reason, check_accounts
from models.preparation.near_duplicates import near
from models.preparation.report import document
from models.preparation.row import Entity, Row
from tests.models.conftest import DATA, write_data
from tests.models.seen_page import SeenPage

WriteSet = Callable[..., None]
LONG = "the quick brown fox jumps over the lazy dog and runs far away from the farm"
HOSTILE = "<script>alert(1)</script> | `x` [a](b)"


def quietly(data: Path, out: Path, **options: Any) -> None:
    prepare.prepare(data, out, report=lambda line: None, **options)


def all_rows(out: Path) -> list[Row]:
    return [row for one in read.manifest_of(out).sets for split in prepare.SPLITS for row in read.rows(out, one.name, split)]


@pytest.fixture
def data(tmp_path: Path, write_set: WriteSet) -> Path:
    """Sets with copies of every kind: (set, split) -> rows."""
    folder = write_data(tmp_path / "data", rows=60)
    review = {"kind": "review", "lang": "en"}
    for split, rows in {
        "train": [
            {"text": "first", "label": "pos"}, {"text": "First!", "label": "pos"}, {"text": "two labels", "label": "pos"},
            {"text": "Two labels", "label": "neg"}, {"text": "is tested elsewhere", "label": "neg"}, {"text": f"{LONG}.", "label": "pos"},
            {"text": f"{LONG} now", "label": "pos"}, {"text": "&#32;", "label": "pos"}, {"text": "kind", "label": "neg", "kind": HOSTILE},
            {"text": "write to ann@example.com &amp; @bob", "label": "neg"}, {"text": "这是中文", "label": "neg", "lang": "en"}],
        "dev": [{"text": f"{LONG}!", "label": "neu"}, {"text": "both", "label": "pos"}, {"text": "in dev twice", "label": "pos"},
                {"text": "in dev twice.", "label": "neg"}],
        "test": [{"text": "Both", "label": "pos"}, {"text": "a", "label": "pos"}],
    }.items():
        write_set(folder / "sentiment", "reviews_en", split, [review | row for row in rows])
    intents = [{"text": f"card {number}", "label": "card_arrival", "lang": "en"} for number in range(40)]
    write_set(folder / "topic", "support_intents_en", "train", [*intents, {"text": "is tested elsewhere", "label": "pin_blocked"}])
    write_set(folder / "topic", "support_intents_en", "test", [{"text": "Is tested, elsewhere?", "label": "pin_blocked"}])
    return folder


def test_every_row_is_written_or_left_out_for_a_reason(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    found = read.manifest_of(tmp_path / "out")
    for one in found.sets:
        files = {file: len(gzip.decompress(file.read_bytes()).splitlines()) for file in data.glob(f"*/{one.name}.*.jsonl.gz")}
        assert sum(one.read.values()) == sum(files.values())
        rows = [row for split in prepare.SPLITS for row in read.rows(tmp_path / "out", one.name, split)]
        assert sum(one.read.values()) == len(rows) + sum(sum(reasons.values()) for reasons in one.left_out.values())
    reviews = next(one for one in found.sets if one.name == "reviews_en")
    assert reviews.left_out == {
        "train": {Reason.EMPTY: 1, Reason.REPEATED: 1, Reason.CONFLICTING: 2, Reason.EVALUATED: 2, Reason.NEAR: 1},
        "dev": {Reason.REPEATED: 1, Reason.IN_TEST: 1}}
    assert reviews.conflicts == {"train": 1, "dev": 1}
    assert reviews.languages == {"en, zh": 1}
    assert reviews.changed == {"html_entities": 2, "email_mask": 1, "user_mask": 1}


@pytest.mark.parametrize("wrong", [1, -1])
def test_accounts_that_do_not_add_up_are_refused(data: Path, tmp_path: Path, wrong: int) -> None:
    quietly(data, tmp_path / "out")
    found = read.manifest_of(tmp_path / "out")
    found.sets[0].written["train"] += wrong
    with pytest.raises(DataError, match="mistake of textpulse"):
        check_accounts(found)


def test_nothing_is_written_when_a_row_is_lost(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare.Work, "leave_out", lambda *args: None)
    with pytest.raises(DataError, match=r"reviews_en: 17 rows were read, but 8 written and 0 left out"):
        quietly(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_that_any_set_evaluates_on_is_in_a_train_split(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    keys: dict[str, list[str]] = {split: [] for split in prepare.SPLITS}
    for row in all_rows(tmp_path / "out"):
        keys[row.split].append(key_of(row.text))
    assert not {*keys["train"]} & {*keys["dev"], *keys["test"]}
    assert not {*keys["dev"]} & {*keys["test"]}
    assert not near(keys["train"], [*keys["dev"], *keys["test"]])


def test_a_set_without_a_dev_split_gets_one_from_train(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    dev = read.rows(tmp_path / "out", "support_intents_en", "dev")
    assert len(dev) == 4
    assert {row.split for row in dev} == {"dev"}


def test_another_process_writes_the_same_bytes(data: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):   # of Python's hashes: the order of its sets
        command = [sys.executable, "-m", "pipelines", "prepare", "--data", str(data), "--out", str(tmp_path / seed)]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed}, timeout=120)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()} for seed in ("1", "2"))
    assert one == two


def shuffled(data: Path) -> None:
    rng = random.Random(1)
    for path in data.rglob("*.jsonl.gz"):
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        rng.shuffle(lines)
        path.write_bytes(gzip.compress(b"".join(lines)))


def test_the_same_rows_give_the_same_bytes_whatever_their_order(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data", rows=60)
    quietly(data, tmp_path / "one")
    quietly(data, tmp_path / "two")
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    quietly(data, data / "within")
    quietly(data, data / "within")
    assert files == {path.name: path.read_bytes() for path in (data / "within").iterdir()}
    assert all(content[4:8] == bytes(4) for name, content in files.items() if name.endswith(".gz"))   # no time of writing
    shuffled(data)
    quietly(data, tmp_path / "three")
    assert all(files[path.name] == path.read_bytes() for path in (tmp_path / "three").glob("*.gz"))


def test_a_row_read_back_has_its_labels_in_the_unified_names(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    row = next(row for row in read.rows(tmp_path / "out", "reviews_en", "train") if "email" in row.text)
    assert row == Row(
        id="reviews_en-train-9", set="reviews_en", split="train", text="write to <email> & <user>", lang="en", kind="review",
        licence="permissive", source_label="neg", sentiment="negative")
    named = read.rows(tmp_path / "out", "wnut17_en", "test")[0]
    [entity] = named.entities or ()
    assert entity == Entity("person", named.text.index("met ") + 4, named.text.index(" today"))
    assert named.label("entities") == (entity,)
    assert named.label("topic") is None


def test_permissive_rows_alone_are_written_when_they_are_asked_for(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out", licences="permissive")
    assert {row.licence for row in all_rows(tmp_path / "out")} == {"permissive"}
    titles = next(one for one in read.manifest_of(tmp_path / "out").sets if one.name == "titles_zh")
    assert (titles.written, titles.left_out["train"]) == ({}, {Reason.LICENCE: 60})
    assert read.rows(tmp_path / "out", "titles_zh", "train") == []


def test_silver_labels_stay_marked_and_are_counted_by_teacher(data: Path, tmp_path: Path) -> None:
    silver = tmp_path / "silver.jsonl"
    silver.write_text(json.dumps({"text": "first", "task": "topic", "label": "food", "teacher": "large-1", "score": 0.75}))
    quietly(data, tmp_path / "out", silver_files=[silver])
    [row] = [row for row in all_rows(tmp_path / "out") if row.silver]
    assert (row.topic, row.silver, row.silver_score, row.sentiment) == ("food", {"topic": "large-1"}, {"topic": 0.75}, "positive")
    found = read.manifest_of(tmp_path / "out")
    assert [(share.label, share.count) for share in found.balance if share.teacher == "large-1"] == [("food", 1)]
    assert "large-1" in (tmp_path / "out" / write.MARKDOWN).read_text()


def test_the_balance_counts_every_label_of_the_written_rows(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    shares = read.manifest_of(tmp_path / "out").balance
    rows = all_rows(tmp_path / "out")
    for task, label in (("sentiment", "negative"), ("topic", "cards")):
        assert sum(share.count for share in shares if (share.task, share.label) == (task, label)) == sum(
            row.label(task) == label for row in rows)
    assert sum(share.count for share in shares if share.label == "person") == sum(len(row.entities or ()) for row in rows)


def test_the_page_has_bars_and_no_scripts_whatever_the_sets_say(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    text = (tmp_path / "out" / write.PAGE).read_text(encoding="utf-8")
    seen = SeenPage(text)
    assert {"svg", "rect", "table"} <= {*seen.tags}
    seen.assert_quiet()
    assert "&lt;script&gt;" in text


def test_no_text_of_a_set_is_markup_in_the_markdown(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    text = (tmp_path / "out" / write.MARKDOWN).read_text(encoding="utf-8")
    assert r"&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` \[a\](b)" in text
    assert "<script" not in text


def test_both_reports_are_written_from_the_manifest_alone(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    found = read.manifest_of(tmp_path / "out")
    said = document(found)
    for name, text in ((write.MARKDOWN, markdown.text), (write.PAGE, page.text)):
        assert (tmp_path / "out" / name).read_text(encoding="utf-8") == text(said)
        for one in found.sets:
            for reasons in one.left_out.values():
                assert all(reason.replace("_", r"\_") in text(said) or reason in text(said) for reason in reasons)


def test_a_failure_leaves_what_was_there(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "place" / "out"
    quietly(data, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(found: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(page, "text", fail)
    with pytest.raises(OSError, match="disk full"):
        quietly(data, out, seed=8)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(out.parent.iterdir()) == [out]


def test_prepared_data_is_replaced_and_anything_else_is_not(data: Path, tmp_path: Path) -> None:
    quietly(data, tmp_path / "out")
    quietly(data, tmp_path / "out", seed=8)
    assert read.manifest_of(tmp_path / "out").options.seed == 8
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("{}")
    (tmp_path / "file").write_text("mine")
    for place in ("mine", "file"):
        with pytest.raises(DataError, match="holds something else"):
            quietly(data, tmp_path / place)
    with pytest.raises(DataError, match="holds something else"):
        quietly(data, data)


def test_a_file_that_has_changed_is_not_read(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    quietly(data, out)
    path = out / read.file_name("reviews_en", "train")
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match=r"reviews_en\.train\.jsonl\.gz: is not as it was written"):
        read.rows(out, "reviews_en", "train")
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        read.rows(out, "reviews_en", "train")
    with pytest.raises(DataError, match="holds no set other"):
        read.rows(out, "other", "train")
    with pytest.raises(DataError, match="no folder of prepared data"):
        read.rows(tmp_path, "reviews_en", "train")


@pytest.mark.parametrize(("line", "said"), [
    ('{"id": "x", "text": "secret words", "label": "good"}', "label 'good' is not one of this set's"),
    ('{"id": "x", "text": "secret words", "label": "secret words, and more"}', "label 'xxxxxx xxxxx, xxx xxxx' is not"),
    ('{"id": "x", "text": "secret words"}', "the row has no label"),
    ('{"text": "secret words", "label": "pos"}', "missing required field `id`"),
    ('{"id": "x", "text": 5, "label": "pos"}', "Expected `str`, got `int` - at `$.text`"),
    ('{"id": "x", "text": "secret wor', "truncated"),
    ("[]", "Expected `object`, got `array`"),
    ("[" * 9999, "recursion"),
    ('{"id": "x", "text": "\udc80", "label": "pos"}', "codec can't decode"),
    ('{"id": "reviews_en-train-0", "text": "secret words", "label": "pos"}', "has the id of line 1"),
])
def test_a_line_that_is_none_of_its_set_is_named_without_its_text(data: Path, tmp_path: Path, line: str, said: str) -> None:
    path = data / "sentiment" / "reviews_en.train.jsonl.gz"
    path.write_bytes(path.read_bytes() + gzip.compress(line.encode(errors="surrogateescape")))
    with pytest.raises(DataError, match=r"reviews_en\.train\.jsonl\.gz:12: ") as failed:
        quietly(data, tmp_path / "out")
    assert said in str(failed.value)
    assert "secret" not in str(failed.value)
    assert not (tmp_path / "out").exists()


def test_tags_that_do_not_fit_their_tokens_are_named(data: Path, tmp_path: Path) -> None:
    path = data / "entities" / "wnut17_en.train.jsonl.gz"
    path.write_bytes(path.read_bytes() + gzip.compress(b'{"id": "x", "tokens": ["a", "b"], "tags": ["O"], "lang": "en"}'))
    with pytest.raises(DataError, match=r"train\.jsonl\.gz:61: not a row of wnut17_en: it has not a tag for each token"):
        quietly(data, tmp_path / "out")


@pytest.mark.parametrize(("content", "said"), [
    (b"", "holds no rows"), (gzip.compress(b""), "holds no rows"), (b"plain", "cannot be read"),
    (gzip.compress(b"{}" * 99)[:-9], "cannot be read"),
    (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xffnonsense", "cannot be read"), (None, "cannot be read")])
def test_a_file_without_rows_is_named(data: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    path = data / "sentiment" / "reviews_en.dev.jsonl.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"reviews_en\.dev\.jsonl\.gz: {said}"):
        quietly(data, tmp_path / "out")


def test_a_file_of_rows_that_no_set_has_is_named_in_the_report(data: Path, tmp_path: Path, write_set: WriteSet) -> None:
    write_set(data / "topic", "mine", "train", [{"text": "a", "label": "b"}])
    quietly(data, tmp_path / "out")
    assert read.manifest_of(tmp_path / "out").not_read == ["topic/mine.train.jsonl.gz"]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
def test_the_published_entities_stay_on_their_words(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "entities").symlink_to(DATA / "entities")
    quietly(tmp_path / "data", tmp_path / "out")
    check_accounts(read.manifest_of(tmp_path / "out"))
    rows = all_rows(tmp_path / "out")
    assert len(rows) > 20_000
    for row in rows:
        for entity in row.entities or ():
            words = row.text[entity.start:entity.end]
            assert words == words.strip()
            assert words not in ("", "<user>", "<url>", "<email>")
