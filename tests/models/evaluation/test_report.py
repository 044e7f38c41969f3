"""The report: it says what was found, its pictures show the numbers, texts of strangers stay texts, and a folder is whole or not there."""
import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from models.data import DataError
from models.document import markdown, page
from models.evaluation import plots, write
from models.evaluation.calibration import reliability
from models.evaluation.report import LONGEST_TEXT, document
from models.evaluation.result import Confusion, Evaluation, Score
from tests.models.evaluation.known import Answer, known
from tests.models.seen_page import SeenPage

WriteSet = Callable[..., None]
HOSTILE = "</td><script>alert(1)</script><b> | `x` ~~y~~ [a](b)\n# c\r\n\u202egnp.exe\0\x1b[31m &amp; www.a.example"
PERSON = 5


@pytest.fixture
def data(tmp_path: Path, write_set: WriteSet) -> Path:
    """A set of each task, in which every text is hostile; each is answered wrongly."""
    common = {"lang": HOSTILE, "kind": HOSTILE}
    for split in ("train", "dev", "test"):
        write_set(tmp_path / "data" / "sentiment", "tweets_en", split, [
            {"text": f"{HOSTILE} {at}", "label": "pos"} | common for at in range(60)])
        write_set(tmp_path / "data" / "topic", "titles_zh", split, [{"text": HOSTILE + "长" * LONGEST_TEXT, "label": "game"} | common])
    for split in ("train", "dev"):
        write_set(tmp_path / "data" / "entities", "wnut17_en", split, [
            {"tokens": ["met", HOSTILE], "tags": ["O", "B-person"]} | common])
    return tmp_path / "data"


def found(data: Path) -> Evaluation:
    made = known(data, lambda text: Answer(entities=((PERSON, 0, 3, 0.9),)))
    return msgspec.structs.replace(made, model=HOSTILE, version=HOSTILE, empty=[HOSTILE], perhaps_seen=[HOSTILE])


def test_the_page_has_the_pictures_and_no_script_whatever_texts_and_labels_are(data: Path) -> None:
    seen = SeenPage(page.text(document(found(data))))
    assert {"svg", "rect", "line", "title", "details", "table"} <= {*seen.tags}
    seen.assert_quiet()
    assert "b" not in seen.tags
    said = "".join([*seen.text, *(value for _, value in seen.attributes)])
    assert not set("\0\x1b\u202e") & set(said)
    assert "</td><script>alert(1)</script><b> | `x`" in said


def test_the_texts_are_no_markup_in_markdown(data: Path) -> None:
    said = markdown.text(document(found(data)))
    assert not re.search(r"<|\0|\x1b|\u202e|\r|(?<!\\)`|www\.", said)
    tables = [line for line in said.splitlines() if line.startswith("|")]
    assert r"&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt; \| \`x\` \~\~y\~\~ \[a\](b) # c" in said
    worst = [line for line in tables if line.startswith("| tweets\\_en | tweets\\_en-test")]
    assert len(worst) == 50
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in worst} == {7}


def test_a_long_text_is_cut_and_its_length_is_said(data: Path) -> None:
    length = len(HOSTILE) + LONGEST_TEXT
    assert f"长… ({length:,} characters)" in markdown.text(document(found(data)))


def test_the_worst_entities_are_shown_in_their_words(data: Path) -> None:
    [row] = [line for line in markdown.text(document(found(data))).splitlines() if line.startswith("| wnut17\\_en | wnut17\\_en-dev-0 |")]
    missed, spurious = re.split(r"(?<!\\)\|", row)[3:5]
    assert missed.startswith(" person: &lt;/td") and spurious == " person: met "


def test_the_report_says_what_it_holds_and_how_the_speed_was_measured(data: Path) -> None:
    for text in (markdown.text(document(found(data))), page.text(document(found(data)))):
        assert "The worst errors show texts of the data" in text
        assert "31 texts/s (62 texts in chunks of 2,000 in 2.00 s after one chunk to warm up, by one caller;" in text
        assert "3 within and 5 between operations" in text
        assert "on the test split of 3 sets (rows as published)" in text
        assert "The model may have learnt from the rows of" in text
        assert "Left out, since they have no rows in this split" in text


def test_every_part_of_every_task_has_its_section(data: Path) -> None:
    said = [(section.title, section.folded) for section in document(known(data, lambda text: Answer())).sections]
    titles = [title for title, _ in said]
    for task, name in (("Sentiment", "tweets_en"), ("Topic", "titles_zh"), ("Entities", "wnut17_en")):
        assert (f"{task}, set {name}", True) in said
        assert {task, f"{task}: calibration", f"{task}: the worst errors"} <= {*titles}
        assert len([title for title in titles if title.startswith(f"{task}, ")]) == 3
    assert ("Sentiment: confusion matrix" in titles, "Entities: confusion matrix" in titles) == (True, False)


def test_a_heat_map_shows_shares_of_rows_and_tells_the_counts() -> None:
    drawn = plots.heat_map("a", Confusion(["x", "y<"], [[3, 1], [0, 0]]))
    assert re.findall(r'class="(\w+)"[^>]* fill-opacity="([\d.]+)"><title>([^<]*)', drawn) == [
        ("first", "0.75", "x called x: 3 of 4 (75.0%)"), ("wrong", "0.25", "x called y&lt;: 1 of 4 (25.0%)")]
    assert not SeenPage(f"<p>{drawn}</p>").tags.count("script")


def test_a_reliability_diagram_tells_each_bin_and_is_as_high_as_its_accuracy() -> None:
    drawn = plots.diagram("a", reliability([0.5, 0.5, 0.5, 0.5], [True, False, False, False]))
    assert re.findall(r"<title>([^<]*)", drawn) == ["confidence 0.47 to 0.53: 4 answers (100.0%), mean confidence 0.500, accuracy 0.250"]
    [height] = re.findall(r'class="first"[^>]* height="([\d.]+)"', drawn)
    assert float(height) == plots.SIDE_PX / 4
    [gap] = re.findall(r'class="wrong"[^>]* height="([\d.]+)"', drawn)
    assert float(gap) == plots.SIDE_PX / 4


def test_bars_of_f1_fill_the_chart_at_one() -> None:
    drawn = plots.f1_bars("a", {"x": Score(1, 1, 1, 5), "y": Score(0.5, 0.5, 0.5, 7)})
    assert re.findall(r'<rect [^>]* width="([\d.]+)"', drawn) == ["420.0", "210.0"]
    assert "0.500 (7)" in drawn


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_folder_holds_the_report_twice_and_all_figures_but_no_text(data: Path, tmp_path: Path) -> None:
    made = found(data)
    write.write(made, tmp_path / "new" / "out")
    written = files(tmp_path / "new" / "out")
    assert {*written} == {write.MARKDOWN, write.PAGE, write.SCORES}
    assert written[write.MARKDOWN].decode() == markdown.text(document(made))
    assert written[write.PAGE].decode() == page.text(document(made))
    figures = json.loads(written[write.SCORES])
    assert [len(of["worst"]) for of in figures["tasks"]] == [50, 1, 1, 1]
    assert not any("text" in one for of in figures["tasks"] for one in of["worst"])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


def test_a_report_is_replaced_and_anything_else_is_not(data: Path, tmp_path: Path) -> None:
    made = found(data)
    out = tmp_path / "out"
    out.mkdir()
    write.write(made, out)
    write.write(msgspec.structs.replace(made, split="dev"), out)
    assert json.loads((out / write.SCORES).read_bytes())["split"] == "dev"
    before = files(out)
    (out / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / write.SCORES).write_text('{"format": "another"}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / write.SCORES).write_text("[" * 9_999)
    for name in ("out", "file", "other", "broken"):
        with pytest.raises(DataError, match=f"{name}: exists and holds something else than a report"):
            write.write(made, tmp_path / name)
    (out / "thesis.txt").unlink()
    assert files(out) == before


def test_a_failure_leaves_what_was_there(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, out = found(data), tmp_path / "place" / "out"
    write.write(made, out)
    before = files(out)

    def full(folder: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(write, "sync", full)
    for place in (out, tmp_path / "place" / "other"):
        with pytest.raises(OSError, match="disk full"):
            write.write(msgspec.structs.replace(made, split="dev"), place)
    assert files(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_link_to_a_report_stays_one(data: Path, tmp_path: Path) -> None:
    made = found(data)
    write.write(made, tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    write.write(msgspec.structs.replace(made, split="dev"), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real" / write.SCORES).read_bytes())["split"] == "dev"
