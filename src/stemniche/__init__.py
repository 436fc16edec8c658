"""stemniche: an executable model of the cancer stem cell niche.

>>> import stemniche as sn
>>> "breast" in sn.list_scenarios()
True

The public names are those of `stemniche.api`; they are imported when first used, so that the
import itself stays fast.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stemniche.api import (
        check,
        coverage,
        evidence,
        explain,
        list_scenarios,
        load_scenario,
        measures,
        open_run,
        reproduce,
        resume,
        simulate,
        write_report,
    )

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "check",
    "coverage",
    "evidence",
    "explain",
    "list_scenarios",
    "load_scenario",
    "measures",
    "open_run",
    "reproduce",
    "resume",
    "simulate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'stemniche' has no attribute '{name}'")
    from stemniche import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
