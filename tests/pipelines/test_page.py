"""The command that serves the page, and the page beside the demo: what is missing is one line."""
import socket
import sys
import urllib.request

import pytest

from pipelines.children import end
from pipelines.cli import main
from pipelines.page import start_page


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_a_host_that_others_can_reach_is_refused_without_credentials(host, capsys):
    assert main(["dashboard", "--page-host", host]) == 2
    said = capsys.readouterr().err
    assert f"--page-host {host}" in said and "--http-token-file" in said


def test_a_metrics_address_must_be_one(capsys):
    assert main(["dashboard", "--metrics", "file:///etc/passwd"]) == 2
    assert "--metrics file:///etc/passwd" in capsys.readouterr().err


def test_without_nicegui_the_command_names_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "nicegui", None)
    for name in [name for name in sys.modules if name.startswith("dashboards.page")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["dashboard"]) == 3
    assert "pip install 'textpulse[page]'" in capsys.readouterr().err


@pytest.fixture
def taken():
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_taken_port_is_one_line(taken, capsys):
    pytest.importorskip("nicegui")
    assert main(["dashboard", "--page-port", str(taken)]) == 3
    assert capsys.readouterr().err.startswith(f"textpulse: --page-port {taken}: ")


def test_a_page_that_cannot_start_says_so_once(taken, tmp_path, eventually):
    pytest.importorskip("nicegui")
    page = start_page(f"sqlite:///{tmp_path}/a.db", "demo", taken, "", tmp_path / "page.log")
    eventually(lambda: page.child.poll() is not None, "it ends")
    said = page.problem()
    assert said.startswith(f"no page: --page-port {taken}") and "\n" not in said
    assert (page.problem(), page.address) == ("", "")


def test_neither_page_nor_job_of_a_demo_have_the_store_s_password_on_their_command_lines(tmp_path, eventually):
    from argparse import Namespace
    from pathlib import Path

    from pipelines.demo import Demo
    from pipelines.options import DEMO

    url = "postgresql+psycopg://me:zopf-1883@127.0.0.1:1/none"
    args = Namespace(**{option.key: option.default for option in DEMO} | {"metrics_port": 0})
    demo = Demo(args, "127.0.0.1:1", url, tmp_path / "job.log", 0.0)
    for start in (lambda: start_page(url, "demo", 0, "", tmp_path / "page.log").child, demo.start_job):
        child, lines = start(), []

        def begun(child=child, lines=lines):
            lines.append(Path(f"/proc/{child.pid}/cmdline").read_bytes())   # nothing while it begins, and once it has ended
            return b"pipelines" in lines[-1]

        try:
            eventually(begun, "it runs")
        finally:
            end(child, 0.0)
        assert not [line for line in lines if b"zopf" in line]


def test_a_page_is_where_it_says_until_it_is_ended(tmp_path, eventually):
    pytest.importorskip("nicegui")
    page = start_page(f"sqlite:///{tmp_path}/a.db", "demo", 0, "", tmp_path / "page.log")
    try:
        eventually(lambda: page.address != "", "it says where it is", 120)
        with urllib.request.urlopen(page.address, timeout=20) as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        with pytest.raises(urllib.error.HTTPError, match="421"):   # a name that leads here and is not ours: DNS rebinding
            urllib.request.urlopen(urllib.request.Request(page.address, headers={"Host": "evil.example"}), timeout=20)
        assert page.problem() == ""
    finally:
        assert end(page.child, 20) in (0, -15)
