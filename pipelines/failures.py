"""Which exit code a problem means, whatever room it comes from."""
from collections.abc import Mapping

DONE, FAILED, USAGE, ENVIRONMENT, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES: Mapping[str, int] = {
    "pipelines.errors.UsageProblem": USAGE,
    "pipelines.errors.EnvironmentProblem": ENVIRONMENT,
    "pipelines.errors.JobFailed": FAILED,
    "insights.queries.QueryError": USAGE,
    "insights.store.StoreError": ENVIRONMENT,
    "models.checkpoint.RunError": USAGE,
    "models.data.DataError": USAGE,
    "models.teachers.files.TeachersError": USAGE,
    "models.encoder.EncoderError": ENVIRONMENT,
    "models.folder.ModelError": ENVIRONMENT,
    "transforms.archives.ArchiveError": USAGE,
    "transforms.kafka_security.KafkaProblem": ENVIRONMENT,
    "transforms.originals.OriginalsProblem": ENVIRONMENT,
    "privacy.policy.PolicyError": ENVIRONMENT,
    "schemas.fixes.FixError": USAGE,
    "schemas.parse.SchemaError": USAGE,
    "schemas.registry_http.RegistryProblem": ENVIRONMENT,
    "sqlalchemy.exc.DBAPIError": ENVIRONMENT,
    "builtins.ImportError": ENVIRONMENT,
    "builtins.OSError": ENVIRONMENT,
}
"""Our problems and their exit codes, by name: their modules are not imported for it."""


def exit_code(error: BaseException) -> int | None:
    """The exit code of a problem that we know, None for a surprise."""
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), None)
