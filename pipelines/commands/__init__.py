"""The commands of the command line: a module each, with OPTIONS, run(args) and the COMMAND for pipelines/cli.py."""
