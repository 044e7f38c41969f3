"""What strangers name their products reaches no terminal as a control, and no spreadsheet as a formula."""
import csv
import io
import json

import pytest

from insights.cells import Cell, Unit
from insights.store import Store, UnitKey
from pipelines import cli

MINUTE_US = 60_000_000
NAMES = [
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "＝1",
    "\u202egpj.exe", "\u2066a\u2069", "\x1b]0;owned\x07", "a\r\nb", "<script>", "plain",
]  # fmt: skip
CONTROLS = "\x1b\x07\x00\u202e\u202d\u2066\u2067\u2069\u200f\r\t"


@pytest.fixture
def said(tmp_path, capsys):
    """said(options): what `textpulse insights` prints of a store with these names."""
    url = f"sqlite:///{tmp_path}/store.db"
    store = Store(url)
    store.open_job("textpulse", "stream", MINUTE_US, 0)
    store.write_units("textpulse", 0, [
        (UnitKey(0, "texts/0", "posts", name),
         Unit(1, at, {("en", "card"): Cell(1, 0, 1, 0, 1, {f"brand\t{name}": 1}, {name: (0, 1, 0)}, [1] + [0] * 9)}))
        for at, name in enumerate(NAMES)], 1)
    store.close()

    def run(*options):
        assert cli.main(["insights", "--store", url, "--by", "product", *options]) == 0
        return capsys.readouterr().out

    return run


def test_a_table_has_no_control_and_no_bidirectional_character(said):
    assert not set(said()) & set(CONTROLS)


def test_no_column_of_csv_begins_a_formula(said):
    rows = list(csv.DictReader(io.StringIO(said("--csv"))))
    assert len(rows) == len(NAMES)
    for row in rows:
        for name in ("product", "entities", "terms"):
            assert not row[name].startswith(tuple("=+-@\t\r＝＋－＠")), row
    assert {row["product"].removeprefix("'") for row in rows} == set(NAMES)


def test_json_says_the_names_as_they_are(said):
    assert {one["group"]["product"] for one in json.loads(said("--json"))} == set(NAMES)
