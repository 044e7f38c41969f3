"""The options that say where schemas come from."""
import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.commands.output import note
from pipelines.errors import UsageProblem
from pipelines.options import REGISTRY

if TYPE_CHECKING:
    from schemas.avro import AvroSettings

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def avro_settings(args: argparse.Namespace) -> "AvroSettings":
    """What --schemas and the options beside it say."""
    from schemas.avro import AvroSettings

    return AvroSettings(
        args.schemas, args.registry_user, args.registry_password_file, args.registry_token_file, args.registry_ca_file,
        args.reader_schema)


def check_schemas(args: argparse.Namespace) -> None:
    """Asks nobody. Raises UsageProblem for a folder that is not there, SchemaError for an address, a secret or a reader schema that cannot
    be used; notes a secret that would be sent in the clear."""
    if args.reader_schema:
        from schemas.readable import reader_schema

        reader_schema(args.reader_schema)
    given = [option.name for option in REGISTRY if getattr(args, option.key)]
    if not args.schemas and not given:
        return
    from urllib.parse import urlsplit

    from schemas.registry_http import RegistryHttp, is_address

    if is_address(args.schemas):
        http = RegistryHttp(avro_settings(args).registry)
        parts = urlsplit(http.url)
        if http.names_us and parts.scheme == "http" and parts.hostname not in LOOPBACK:
            note(f"--schemas http://{parts.netloc}: the password or token is sent to it unencrypted; https hides it")
    elif given:
        raise UsageProblem(f"--{given[0]}: is for a registry; --schemas names none, such as https://registry.example.com:8081")
    elif not Path(args.schemas).is_dir():
        raise UsageProblem(f"--schemas {args.schemas}: no such folder, nor the address of a registry (http:// or https://)")
