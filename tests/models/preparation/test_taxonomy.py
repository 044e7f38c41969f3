"""The topics have names in both languages, and the page that documents them says what the program does."""
import re
from pathlib import Path

from dashboards.page.values import VALUES
from models import taxonomy
from models.preparation.licences import CLASS_OF

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
MAPS = {"support_intents_en": taxonomy.SUPPORT_TOPIC_OF, "clinc150_en": taxonomy.CLINC_TOPIC_OF,
        "newsgroups20_en": taxonomy.NEWSGROUP_TOPIC_OF, "titles_zh": taxonomy.TITLE_TOPIC_OF}


def table(columns: int) -> dict[str, list[str]]:
    """The rows of the page's tables of so many columns, by their first cell."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows if len(row) == columns}


def test_there_are_20_to_30_topics_with_an_english_and_a_chinese_name_each() -> None:
    assert tuple(taxonomy.TOPIC_NAMES) == taxonomy.TOPICS
    assert 20 <= len(taxonomy.TOPICS) <= 30
    assert taxonomy.TOPICS[-1] == "other"
    for english, chinese in taxonomy.TOPIC_NAMES.values():
        assert english.isascii()
        assert re.fullmatch(r"[\u4e00-\u9fff]+", chinese)
    assert len({chinese for _, chinese in taxonomy.TOPIC_NAMES.values()}) == len(taxonomy.TOPICS)


def test_the_page_and_the_dashboard_call_the_topics_the_same() -> None:
    assert {topic: VALUES[f"topic {topic}"] for topic in taxonomy.TOPICS} == taxonomy.TOPIC_NAMES


def test_the_table_of_topics_has_each_with_its_names_and_the_sets_it_comes_from() -> None:
    rows = table(6)
    assert tuple(rows) == taxonomy.TOPICS
    for topic, (english, chinese, belongs, chinese_belongs, sets) in rows.items():
        assert (english, chinese) == taxonomy.TOPIC_NAMES[topic]
        assert belongs
        assert re.search(r"[\u4e00-\u9fff]", chinese_belongs)
        assert sets == ", ".join(name for name, topic_of in MAPS.items() if topic in topic_of.values())


def test_the_table_of_licences_has_the_class_of_every_set() -> None:
    rows = {name: row[0].partition(";")[0].strip("`") for name, row in table(2).items() if name in CLASS_OF}
    assert rows == CLASS_OF
