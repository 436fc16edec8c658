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
        describe_scenario,
        evidence,
        explain,
        export,
        list_scenarios,
        load_scenario,
        measures,
        open_run,
        read_dosing,
        reproduce,
        resume,
        routes,
        screen,
        sensitivity,
        simulate,
        use_rows,
        write_movie,
        write_report,
        write_view,
    )

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "check",
    "coverage",
    "describe_scenario",
    "evidence",
    "explain",
    "export",
    "list_scenarios",
    "load_scenario",
    "measures",
    "open_run",
    "read_dosing",
    "reproduce",
    "resume",
    "routes",
    "screen",
    "sensitivity",
    "simulate",
    "use_rows",
    "write_movie",
    "write_report",
    "write_view",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'stemniche' has no attribute '{name}'")
    from stemniche import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
