"""What the sources say, and how the claims hang together: tables, spellings, graph, loops, routes.

Everything is reached through `load`, which is cheap until a data frame or a graph is asked for.
"""

import sys
from types import ModuleType

from stemniche.evidence.links import Link
from stemniche.evidence.load import Evidence, load
from stemniche.evidence.loops import Loop
from stemniche.evidence.paths import Route, Step
from stemniche.evidence.records import Claim, Entity

__all__ = ["Claim", "Entity", "Evidence", "Link", "Loop", "Route", "Step", "load"]


class _Tables(ModuleType):
    """This package under the name of the public function: importing it must not hide that."""

    def __call__(self) -> Evidence:
        return load()


sys.modules[__name__].__class__ = _Tables
