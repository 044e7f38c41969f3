"""The arrows between the packages, as pyproject.toml states them ([tool.importlinter]); late imports count too."""
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_every_package_of_ours_stands_under_the_contracts():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages - {"tests", "benchmarks"} == set(LINTER["root_packages"])


@pytest.mark.parametrize("contract", [pytest.param(contract["id"], id=contract["name"]) for contract in LINTER["contracts"]])
def test_packages_import_only_what_their_contract_allows(contract, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))

    broken = lint_imports(config_filename=str(ROOT / "pyproject.toml"), limit_to_contracts=(contract,), no_cache=True)

    assert not broken, capsys.readouterr().out
