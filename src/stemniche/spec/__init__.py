"""Typed records of the biology and of scenarios: read, checked, compiled to the frozen Model.

`read_library` and `load_scenario` read, `compile_model` joins them; `explain`, `coverage` and
`operating_points` say what came of it.
"""

from stemniche.spec.compile import compile_model, model_fingerprint
from stemniche.spec.coverage import coverage, coverage_summary
from stemniche.spec.explain import Sentence, explain
from stemniche.spec.library import Library
from stemniche.spec.model import Model
from stemniche.spec.modelfile import from_json, to_json
from stemniche.spec.operating import OperatingPoint, operating_points
from stemniche.spec.rows import read_library
from stemniche.spec.scenario import Scenario, list_scenarios, load_scenario

__all__ = [
    "Library",
    "Model",
    "OperatingPoint",
    "Scenario",
    "Sentence",
    "compile_model",
    "coverage",
    "coverage_summary",
    "explain",
    "from_json",
    "list_scenarios",
    "load_scenario",
    "model_fingerprint",
    "operating_points",
    "read_library",
    "to_json",
]
