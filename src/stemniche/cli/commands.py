"""All commands, so that importing this makes the app whole."""

from stemniche.cli import asking, running, showing
from stemniche.cli.options import app

__all__ = ["app", "asking", "running", "showing"]
