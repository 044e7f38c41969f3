"""Data of the same rows: as it is published, and prepared."""
from pathlib import Path

import pytest

from models.preparation import prepare
from tests.models.conftest import write_data


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data", rows=40)


@pytest.fixture
def prepared(published: Path, tmp_path: Path) -> Path:
    prepare.prepare(published, tmp_path / "prepared", report=lambda line: None)
    return tmp_path / "prepared"
