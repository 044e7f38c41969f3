"""Which exit code an error of the rooms below means: 1 the job failed, 2 usage, 3 environment."""
from pipelines.errors import EnvironmentProblem, UsageProblem

USAGE = ("UsageProblem", "ArchiveError", "QueryError", "SchemaError")
ENVIRONMENT = ("EnvironmentProblem", "StoreError", "ModelError", "KafkaProblem")


def exit_code_of(error: BaseException) -> int:
    """By the names of its classes: importing all of them would load TensorFlow for a help text."""
    if isinstance(error, UsageProblem | EnvironmentProblem):
        return 2 if isinstance(error, UsageProblem) else 3
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & set(USAGE):
        return 2
    return 3 if names & set(ENVIRONMENT) else 1
