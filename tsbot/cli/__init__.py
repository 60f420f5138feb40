"""The command line: a module per command, put together in :mod:`tsbot.cli.app`."""
