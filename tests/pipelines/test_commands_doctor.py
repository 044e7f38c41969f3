"""textpulse doctor: every check says ok, or what is wrong and what to do, and nothing is made on the way."""
import json
import re
import socket
from importlib import metadata
from pathlib import Path

import pytest

from insights.store import Store
from models.folder import ModelError
from pipelines.broker import broker_cache
from pipelines.children import free_port
from pipelines.cli import main
from pipelines.commands import doctor
from pipelines.errors import EnvironmentProblem
from tests.secured import PASSWORD, USER, Secured
from transforms.kafka_security import Security

Said = pytest.CaptureFixture[str]
NEEDED = ("prism", "broker", "model", "store")
NAMES = (*NEEDED, "metrics")


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where all is well."""
    for name in NAMES:
        monkeypatch.setattr(doctor, name, lambda *given: "fine")
    monkeypatch.setattr(doctor, "packages", lambda: iter([doctor.Finding("packages", True, "all")]))


@pytest.mark.usefixtures("sound")
class TestVerdict:
    def test_where_all_is_well_every_line_is_ok_and_the_code_0(self, capsys: Said) -> None:
        assert main(["doctor"]) == 0
        assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"ok"}

    @pytest.mark.parametrize("name", NEEDED)
    def test_one_problem_is_code_3_with_what_to_do_and_the_other_checks_go_on(
            self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
        def broken(*given: object) -> str:
            raise EnvironmentProblem("gone\nfor good")

        monkeypatch.setattr(doctor, name, broken)
        assert main(["doctor", "--json"]) == 3
        found = json.loads(capsys.readouterr().out)
        assert found["ok"] is False
        assert [check["check"] for check in found["checks"]] == ["python", "packages", *NAMES]
        (problem,) = [check for check in found["checks"] if not check["ok"]]
        assert (problem["check"], problem["found"]) == (name, "gone for good")
        assert problem["do"]

    def test_a_metrics_port_in_use_is_a_note_alone(self, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
        def taken(*given: object) -> str:
            raise OSError("in use")

        monkeypatch.setattr(doctor, "metrics", taken)
        assert main(["doctor"]) == 0
        assert "note     metrics   in use" in capsys.readouterr().out

    def test_another_version_of_a_package_is_a_note_alone(self, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
        monkeypatch.setattr(doctor, "packages", lambda: filter(None, [doctor._package("numpy", "0.1")]))
        assert main(["doctor"]) == 0
        assert "note     packages  numpy" in capsys.readouterr().out


def test_a_missing_package_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["textpulse-nope==1.0", 'pytest==0; extra == "test"'])
    (finding,) = doctor.packages()
    assert (finding.ok, finding.needed, finding.do) == (False, True, "pip install textpulse-nope==1.0")


def test_a_port_in_use_is_found() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            doctor.metrics("127.0.0.1", taken.getsockname()[1])
    assert doctor.metrics("127.0.0.1", 0) == "off"


def test_a_broker_that_does_not_answer_is_found() -> None:
    with pytest.raises(EnvironmentProblem, match="no Kafka broker answered"):
        doctor.broker(f"127.0.0.1:{free_port()}", 0.3)


@pytest.mark.kafka
class TestSecuredBroker:
    def test_it_tells_protocol_own_certificate_and_how_long_the_broker_s_is_valid(self, secured: Secured) -> None:
        files = secured.certificates
        found = doctor.broker(secured.addresses["MTLS"], 10.0, Security("SSL", str(files.authority), str(files.client)))
        assert re.fullmatch(
            rf"{secured.addresses['MTLS']} answers, by SSL, certificate of .*commonName=server "
            rf"valid until \d{{4}}-\d\d-\d\d \d\d:\d\d UTC \(1 days\), own certificate {files.client}", found), found

    def test_it_tells_the_user_and_no_password(
            self, secured: Secured, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
        for name in ("prism", "model", "store", "metrics"):
            monkeypatch.setattr(doctor, name, lambda *given: "fine")
        options = ["--bootstrap-servers", secured.addresses["SASL"], "--security-protocol", "SASL_SSL", "--sasl-mechanism", "PLAIN",
                   "--sasl-username", USER, "--ssl-ca-file", str(secured.certificates.authority), "--json"]
        for password, sound in ((PASSWORD, True), ("zopf-1883", False)):
            monkeypatch.setenv("TEXTPULSE_SASL_PASSWORD", password)
            assert (main(["doctor", *options]) == 0) is sound
            said = capsys.readouterr().out
            (told,) = [check for check in json.loads(said)["checks"] if check["check"] == "broker"]
            assert f"by SASL_SSL, user '{USER}' by PLAIN" in told["found"] if sound else "refuses the user or the password" in told["found"]
            assert password not in said


def test_the_broker_is_looked_for_where_the_demo_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Path] = []
    monkeypatch.setenv("TEXTPULSE_CACHE", str(tmp_path))
    monkeypatch.setattr("pipelines.broker.find_java", lambda: "java")
    monkeypatch.setattr("pipelines.broker.kafka_at_hand", lambda cache: not asked.append(cache))
    doctor.broker("", 1.0)
    assert asked == [broker_cache()] == [tmp_path / "broker"]


def test_a_model_whose_content_was_changed_is_found(tmp_path: Path) -> None:
    import shutil

    from pipelines.commands.models import model_folder

    shutil.copytree(model_folder(""), tmp_path / "m")
    with (tmp_path / "m" / "vocabulary.txt").open("a") as file:
        file.write("changed\n")
    with pytest.raises(ModelError, match="the content is that of"):
        doctor.model(str(tmp_path / "m"))


class TestStore:
    def test_one_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        assert "does not exist yet" in doctor.store(f"sqlite:///{tmp_path}/a.db")
        assert not (tmp_path / "a.db").exists()
        with pytest.raises(EnvironmentProblem, match="no such folder"):
            doctor.store(f"sqlite:///{tmp_path}/none/a.db")

    def test_one_that_is_there_takes_writes(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/a.db"
        Store(url).close()
        assert "takes writes" in doctor.store(url)

    def test_what_is_no_store_is_a_problem(self, tmp_path: Path, capsys: Said) -> None:
        (tmp_path / "a.db").write_text("junk")
        finding = doctor._tried("store", lambda: doctor.store(f"sqlite:///{tmp_path}/a.db"), "do")
        assert not finding.ok
        assert "not a database" in finding.found


@pytest.mark.model
def test_the_model_that_comes_along_is_sound() -> None:
    assert "loads" in doctor.model("")
