"""The arrows between the packages, as pyproject.toml states them ([tool.importlinter]); late imports count too."""
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_every_package_of_ours_stands_under_the_contracts():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages - {"tests", "benchmarks"} == set(LINTER["root_packages"])


@pytest.mark.parametrize("contract", [pytest.param(contract["id"], id=contract["name"]) for contract in LINTER["contracts"]])
def test_packages_import_only_what_their_contract_allows(contract):
    """In a process of its own: the linter forks, which TensorFlow's threads in this one do not bear."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()",
               "--no-cache", "--contract", contract]
    ran = subprocess.run(
        command, check=False, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stdout + ran.stderr
