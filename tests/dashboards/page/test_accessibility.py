"""axe-core finds nothing on any page, in light and dark, wide and narrow."""
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

PACKAGE, VERSION = "axe-core", "4.14.1"
CACHE = Path(__file__).parents[3] / ".cache" / "npm"
PAGES = ("", "job", "dead-letters", "?range=2y", "?source=nobody", "?lang=zh&topic=delivery&term=parcel")


@pytest.fixture(scope="session")
def axe():
    """The library's text, fetched once."""
    archive = CACHE / f"{PACKAGE}-{VERSION}.tgz"
    if not archive.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"accessibility is checked by {PACKAGE}, which npm fetches (Debian: apt install npm)")
        CACHE.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=CACHE, capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode:
            pytest.skip(f"npm cannot fetch {PACKAGE} {VERSION}: {done.stderr.strip()[-300:]}")
    with tarfile.open(archive) as package:
        return package.extractfile("package/axe.min.js").read().decode()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_has_a_finding(page, tab, axe, dark, width):
    found = []
    for name in PAGES:
        tab.open(page + name, dark=dark, width=width)
        tab.run("for (const one of document.querySelectorAll('details')) one.open = true")
        tab.run(axe)
        result = tab.chrome.execute_async_script(
            "const done = arguments[0]; axe.run(document).then(done, error => done({error: `${error}`}))")
        assert "error" not in result, result
        found += [(name, one["impact"], one["id"], one["nodes"][0]["html"][:160], one["nodes"][0]["failureSummary"][:300])
                  for one in result["violations"]]
    assert found == []
