"""``python -m tsbot``."""

from tsbot.cli.app import main

main()
