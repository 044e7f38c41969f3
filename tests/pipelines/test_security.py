"""What the options say of a secured connection, and which of them do not go together."""
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.errors import UsageProblem
from pipelines.options import SECURITY, add_options, resolve
from pipelines.security import security_of
from transforms.kafka_security import Security


def parsed(argv: list[str], environ: dict[str, str]) -> Security:
    import argparse

    parser = argparse.ArgumentParser()
    add_options(parser, SECURITY)
    return security_of(resolve(parser.parse_args(argv), SECURITY, environ), environ)


def test_without_options_nothing_is_secured() -> None:
    assert parsed([], {}) == Security()


def test_options_come_by_flag_variable_and_file(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('security_protocol = "SASL_SSL"\nsasl_mechanism = "PLAIN"\nssl_ca_file = "ca.pem"\n')
    environ = {"TEXTPULSE_SASL_USERNAME": "reader", "TEXTPULSE_SASL_MECHANISM": "SCRAM-SHA-256", "TEXTPULSE_SASL_PASSWORD": "x"}
    made = parsed(["--config", str(config), "--ssl-cert-file", "client.pem"], environ)
    assert made == Security("SASL_SSL", "ca.pem", "client.pem", mechanism="SCRAM-SHA-256", username="reader")


@pytest.mark.parametrize(("argv", "said"), [
    ("--ssl-ca-file ca.pem", "--ssl-ca-file is for --security-protocol SSL or SASL_SSL, and that is PLAINTEXT"),
    ("--security-protocol SASL_PLAINTEXT --ssl-cert-file c.pem", "--ssl-cert-file is for --security-protocol SSL or SASL_SSL"),
    ("--security-protocol SSL --sasl-username u", "--sasl-username is for --security-protocol SASL_SSL or SASL_PLAINTEXT"),
    ("--security-protocol SSL --sasl-password-file p", "--sasl-password-file is for --security-protocol SASL_SSL or SASL_PLAINTEXT"),
    ("--security-protocol SSL --ssl-key-file k.pem", "name it with --ssl-cert-file"),
    ("--security-protocol SSL --ssl-key-password-file p", "name it with --ssl-cert-file and --ssl-key-file"),
    ("--security-protocol SASL_SSL", "needs --sasl-mechanism PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    ("--security-protocol SASL_SSL --sasl-mechanism PLAIN", "needs --sasl-username"),
    ("--security-protocol SASL_SSL --sasl-mechanism PLAIN --sasl-username u", "--sasl-password-file, or set TEXTPULSE_SASL_PASSWORD")])
def test_options_that_do_not_go_together_say_what_to_write(argv: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=said):
        parsed(argv.split(), {})


@pytest.mark.parametrize("command", [
    ["stream"], ["produce", "--sample", "1"], ["demo"], ["doctor"]], ids=lambda command: command[0])
def test_every_command_refuses_them_before_it_begins(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--bootstrap-servers", "h:1", "--security-protocol", "SASL_SSL"]) == 2
    assert "needs --sasl-mechanism" in capsys.readouterr().err


def test_the_demo_has_no_secured_broker_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--security-protocol", "SSL"]) == 2
    assert "name yours with --bootstrap-servers" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["stream"], ["produce", "--sample", "1"]], ids=lambda command: command[0])
def test_a_file_that_is_missing_is_named_with_code_3(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--bootstrap-servers", "h:1", "--security-protocol", "SSL", "--ssl-ca-file", "/no/ca.pem"]) == 3
    assert "--ssl-ca-file /no/ca.pem: No such file" in capsys.readouterr().err
