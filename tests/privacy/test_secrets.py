"""A secret comes from a file or a variable as it stands there; what is refused is said without it, down to the first cause."""
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.access import credentials_of
from pipelines.errors import EnvironmentProblem, UsageProblem
from pipelines.targets import targets_of
from privacy.policy import KeySource, PolicyError, read_key
from privacy.secrets import MOST_BYTES, read_secret, read_text_secret
from schemas.parse import SchemaError
from schemas.registry_http import RegistrySettings, authorization
from tests.pipelines.test_access import given as access_options
from transforms.kafka_security import KafkaProblem, secret

HIDDEN = b"\xffhunter2-hunter2-hunter2-hunter2\xfe"   # no UTF-8: a codec's error would quote it


class Problem(Exception):
    pass


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary().filter(lambda content: content.strip() and content[-1:] not in b"\r\n"), st.sampled_from([b"", b"\n", b"\r\n"]))
def test_a_file_gives_its_bytes_without_the_newline_of_the_editor(tmp_path, content, newline):
    (tmp_path / "secret").write_bytes(content + newline)
    assert read_secret("--o", str(tmp_path / "secret"), "V", Problem, environ={"V": "another"}) == content


def test_without_a_file_the_variable_is_asked_and_without_both_it_is_empty():
    assert read_secret("--o", "", "V", Problem, environ={"V": "s\udcff"}) == b"s\xff"
    assert read_text_secret("--o", "", "V", Problem, environ={}) == ""


@pytest.mark.parametrize(("content", "said"), [
    (b"", "is empty"), (b" \n", "is empty"), (b"x" * (MOST_BYTES + 1), "65,536 bytes"), (HIDDEN, "is not text in UTF-8"),
    (None, "No such file")])
def test_a_file_that_holds_no_secret_is_named_with_what_to_do(content, said, tmp_path):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Problem, match=rf"^--o {file}: .*{said}.*; do this$"):
        read_text_secret("--o", str(file), "V", Problem, do="do this")


def test_neither_a_null_byte_nor_a_folder_is_a_file(tmp_path):
    for name in ("a\0b", str(tmp_path)):
        with pytest.raises(Problem, match="--o"):
            read_secret("--o", name, "V", Problem)


@pytest.mark.parametrize(("read", "problem", "content"), [
    (lambda file: secret(file, "--sasl-password-file", "V"), KafkaProblem, HIDDEN),
    (lambda file: authorization(RegistrySettings("http://a", token_file=file), {}), SchemaError, HIDDEN),
    (lambda file: authorization(RegistrySettings("http://a", user="u", password_file=file), {}), SchemaError, HIDDEN),
    (lambda file: credentials_of(access_options(http_token_file=file), {}), EnvironmentProblem, HIDDEN),
    (lambda file: credentials_of(access_options(http_password_file=file), {}), EnvironmentProblem, HIDDEN),
    (lambda file: targets_of("http://a.example/x", file, "", "", {}), UsageProblem, b"whsec_" + HIDDEN),
    (lambda file: read_key(KeySource(file=file)), PolicyError, HIDDEN[:8])])
def test_nobody_who_reads_a_secret_shows_it_even_with_every_cause(read, problem, content, tmp_path):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(problem) as refused:
        read(str(tmp_path / "secret"))
    shown = "".join(traceback.format_exception(refused.value))
    assert "secret: " in shown
    assert "hunter2" not in shown and "xff" not in shown
