import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import data, taxonomy
from tests.models.conftest import DATA

SET = {dataset.name: dataset for dataset in data.SETS}


def test_a_text_that_any_set_evaluates_on_is_never_trained_on(tmp_path: Path, write_set: Callable[..., None]) -> None:
    write_set(
        tmp_path / "topic",
        "titles_zh",
        "train",
        [{"text": "Thank you!", "label": "game"}, {"text": "b", "label": "game"}],
    )
    write_set(tmp_path / "topic", "titles_zh", "dev", [{"text": "c", "label": "game"}])
    write_set(tmp_path / "topic", "titles_zh", "test", [{"text": "thank YOU", "label": "game"}])
    evaluated = data.evaluated_texts(tmp_path)
    assert [e.text for e in data.train(tmp_path, SET["titles_zh"], evaluated)] == ["b"]


def test_rows_held_out_for_dev_are_not_in_train_and_nothing_is_lost(
    tmp_path: Path, write_set: Callable[..., None]
) -> None:
    rows = [{"text": f"text {i}", "label": "rec.autos"} for i in range(300)]
    write_set(tmp_path / "topic", "newsgroups20_en", "train", rows)
    train = {e.text for e in data.train(tmp_path, SET["newsgroups20_en"], set())}
    dev = {e.text for e in data.dev(tmp_path, SET["newsgroups20_en"])}
    assert not train & dev
    assert train | dev == {row["text"] for row in rows}
    assert 15 < len(dev) < 50


def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, write_set: Callable[..., None]) -> None:
    write_set(
        tmp_path / "topic", "titles_zh", "train", [{"text": "a", "label": "game"}, {"text": "b", "label": "nonsense"}]
    )
    with pytest.raises(data.DataError, match=r"titles_zh\.train\.jsonl\.gz:2: .*nonsense"):
        data.train(tmp_path, SET["titles_zh"], set())


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match="no training set found"):
        data.present(tmp_path)


def test_every_label_of_the_maps_is_a_topic_and_every_topic_is_used() -> None:
    maps = (taxonomy.SUPPORT_TOPIC_OF, taxonomy.CLINC_TOPIC_OF, taxonomy.NEWSGROUP_TOPIC_OF, taxonomy.TITLE_TOPIC_OF)
    assert {topic for topic_of in maps for topic in topic_of.values()} == set(taxonomy.TOPICS)
    assert len(taxonomy.SUPPORT_TOPIC_OF) == 77


@given(
    st.lists(st.tuples(st.text("ab中😀é", min_size=1, max_size=3), st.booleans()), max_size=8),
    st.sampled_from(["", " "]),
)
def test_spans_of_joined_tokens_cut_out_the_bytes_of_their_tokens(
    tokens: list[tuple[str, bool]], separator: str
) -> None:
    example = data.joined([t for t, _ in tokens], ["B-PER" if named else "O" for _, named in tokens], separator)
    cut = [example.text.encode()[start:end].decode() for _, start, end in example.entities or ()]
    assert cut == [token for token, named in tokens if named]


def test_a_span_goes_on_only_within_its_type() -> None:
    example = data.joined(["a", "b", "c", "d"], ["I-PER", "I-PER", "I-LOC", "B-LOC"], " ")
    assert example.entities == ((0, 0, 3), (2, 4, 5), (2, 6, 7))


def test_full_width_letters_become_plain_and_chinese_marks_stay() -> None:
    assert data.half_width("１９９８年，Ａｂ") == "1998年，Ab"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the data sets in ../shared/data")
@pytest.mark.parametrize("name", SET)
def test_each_published_set_maps_to_the_unified_labels(name: str) -> None:
    examples = data.test(DATA, SET[name])
    field = {"sentiment": "sentiment", "topic": "topic"}.get(SET[name].task)
    assert len(examples) > 200
    assert all(getattr(e, field) >= 0 if field else e.entities is not None for e in examples)


def test_json_with_chinese_is_read_as_utf8(tmp_path: Path, write_set: Callable[..., None]) -> None:
    write_set(tmp_path / "topic", "titles_zh", "test", [{"text": "中国", "label": "game"}])
    assert data.test(tmp_path, SET["titles_zh"])[0].text == json.loads('"\\u4e2d\\u56fd"')
