"""The notebook of docs/ runs from top to bottom as it stands, in a folder of its own, and is stored without what it prints."""
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the notebook needs Jupyter's kernel: pip install 'textpulse[test]'")

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "own-topics.ipynb"
CELL_S = 900
"""A cell that hangs is an error."""


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.mark.model
def test_every_cell_does_what_it_says(notebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbclient import NotebookClient

    monkeypatch.setenv("TMPDIR", str(tmp_path))   # where the notebook makes its folder
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    NotebookClient(notebook, timeout=CELL_S, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    (report,) = tmp_path.glob("own-topics-*/shop.html")
    assert "refund" in report.read_text(encoding="utf-8")


def test_it_is_stored_without_outputs(notebook) -> None:
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or (not cell.outputs and cell.execution_count is None), cell.id


def test_what_it_links_to_is_there(notebook) -> None:
    links = [target for cell in notebook.cells for target in re.findall(r"\]\(([^)\s]+)\)", cell.source)]
    assert links
    for target in links:
        path, _, anchor = target.partition("#")
        page = (NOTEBOOK.parent / path).read_text(encoding="utf-8").lower()
        assert not anchor or f"\n## {anchor.replace('-', ' ')}\n" in page, target
