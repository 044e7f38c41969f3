"""The commands of the command line: a module each, with its OPTIONS, its run(args) and its COMMAND for pipelines/cli.py."""
