"""The command line: parse, call, write; no science here."""

from ecodecide.cli.main import main

__all__ = ["main"]
