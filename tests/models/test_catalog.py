import subprocess
import sys
from pathlib import Path

import pytest

from models.catalog import models_in
from models.folder import MANIFEST, Manifest, ModelError, write_json


def _model(folder: Path, created: str) -> None:
    folder.mkdir()
    write_json(folder / MANIFEST, Manifest("fast", "0" * 12, ["topic"], "a", {}, created))
    (folder / "weights").write_bytes(b"x" * 1000)


def test_models_are_listed_once_newest_first_with_their_size(tmp_path: Path) -> None:
    _model(tmp_path / "old", "2026-01-01T00:00:00+00:00")
    _model(tmp_path / "new", "2026-02-01T00:00:00+00:00")
    (tmp_path / "half-written").mkdir()
    found = models_in([tmp_path, tmp_path / "new", tmp_path / "nowhere"])
    assert [Path(listed.folder).name for listed in found] == ["new", "old"]
    assert found[0].size_bytes == 1000 + (tmp_path / "new" / MANIFEST).stat().st_size


def test_a_model_folder_is_listed_when_it_is_named_itself(tmp_path: Path) -> None:
    _model(tmp_path / "one", "2026-01-01T00:00:00+00:00")
    assert [Path(listed.folder).name for listed in models_in([tmp_path / "one"])] == ["one"]


def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / MANIFEST).write_text("{}")
    with pytest.raises(ModelError, match=r"bad/model\.json"):
        models_in([tmp_path])


def test_listing_models_imports_no_tensorflow() -> None:
    code = "import sys, models.catalog; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
