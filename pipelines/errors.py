"""What a command reports as its failure: three kinds, each with its own exit code (see the command line)."""


class UsageProblem(Exception):
    """The command was asked for something that cannot be: an option, a file or a topic is wrong. Exit code 2."""


class EnvironmentProblem(Exception):
    """Something outside is missing or unreachable: a broker, a runner, a model, a store. Exit code 3."""


class JobFailed(Exception):
    """The work began and could not be finished. Exit code 1."""
