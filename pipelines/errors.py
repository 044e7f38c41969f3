"""What a command reports as its failure: three kinds, each with its own exit code (see the command line)."""


class UsageProblem(Exception):  # noqa: N818 - the three kinds of failure are named by what the user meets
    """The command was asked for something that cannot be: an option, a file or a topic is wrong. Exit code 2."""


class EnvironmentProblem(Exception):  # noqa: N818
    """Something outside is missing or unreachable: a broker, a runner, a model, a store. Exit code 3."""


class JobFailed(Exception):  # noqa: N818
    """The work began and could not be finished. Exit code 1."""
