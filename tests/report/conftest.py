"""A made-up run with the attributes that a report reads, drawn rather than simulated."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stemniche.run.records import Note
from stemniche.spec.model import (
    CellType,
    Drive,
    Drug,
    Factor,
    Group,
    Model,
    Row,
    Secretion,
    Term,
)

SIZE = 1500.0
GROUPS = {
    "CSC": "tumour", "progenitor": "tumour", "differentiated": "tumour", "MSC": "stroma",
    "fibroblast": "stroma", "CAF": "stroma", "monocyte": "immune", "M1": "immune",
    "M2": "immune", "CD4": "immune", "Treg": "immune", "CD8": "immune",
}  # fmt: skip
FACTORS = ("oxygen", "glucose", "IL6", "CXCL8", "PPBP", "TGFB1", "CXCL12", "CCL2", "VEGFA", "IL4")


def rows() -> tuple[Row, ...]:
    """A few rows of each kind that close the IL6-CXCL7 loop."""
    made = (
        ("sec.CSC.IL6", "secretion", "IL6", "CSC", ("CSC",), ("C914",), "stated"),
        ("net.IL6R.IL6", "network", "IL6", "IL6R", ("MSC", "CSC"), ("C257",), "stated"),
        ("sec.MSC.PPBP", "secretion", "IL6R", "PPBP", ("MSC",), ("C257",), "inferred"),
        ("net.CXCR2.PPBP", "network", "PPBP", "CXCR2", ("CSC",), ("C260",), "stated"),
        ("net.IL6.CXCR2", "network", "CXCR2", "IL6x", ("CSC",), ("C262", "C263"), "stated"),
        ("brake.STAT3.SOCS3", "brake", "SOCS3", "STAT3", ("CSC",), (), "assumed"),
    )
    return tuple(
        Row(
            id=name,
            kind=kind,
            sentence=f"In {cells[0]}, {a} raises {b} <half at 0.5 nM>.",
            source_id=a,
            target_id=b,
            cells=cells,
            sign=1,
            claims=claims,
            supports=(),
            basis=basis,
            source="" if claims else "doi:10.1000/x",
        )  # fmt: skip
        for name, kind, a, b, cells, claims, basis in made
    )


def model() -> Model:
    """A Model with every cell type and factor, and next to no numbers."""
    return Model(
        format=1, cancer="breast", context_policy="generalised", species="human",
        evidence_fingerprint="0123456789ab", library_fingerprint="ba9876543210",
        factors=tuple(
            Factor(
                id=name, form="soluble", unit=unit, diffusivity=1.0, decay=0.0, baseline=0.1,
                reference=0.1, molar_mass=None,
            )
            for name, unit in zip(FACTORS, ("mmHg", "mM", *["nM"] * 8), strict=True)
        ),
        types=tuple(
            CellType(id=name, group=group, ancestors=("cell",), traits={})  # type: ignore[arg-type]
            for name, group in GROUPS.items()
        ),
        nodes=(), markers=(),
        drives=(
            Drive(
                cell="CSC", target="CXCR2", kind="node", constant=0.0, low=0.0, high=1.0,
                groups=(Group(weight=1.0, terms=(Term(
                    row="net.CXCR2.PPBP", signal="PPBP", half_max=0.15, hill=1.0, inverted=False,
                    reference=0.1,
                ),)),),
            ),
        ),
        secretions=(Secretion(row="sec.CSC.IL6", cell="CSC", factor="IL6", rate=1.0, node=None),),
        uptakes=(), reactions=(),
        drugs=(Drug(id="paclitaxel", kind="mitotic", molar_mass=0.85, values={"every": 10080.0}),),
        genotype={"TP53:mutant": 1.0}, parameters={"vessel.radius": 8.0}, rows=rows(),
        notes=("Claim C999 is carried by nothing here.",),
    )  # fmt: skip


MAPS = ("vessels", "perfusion")


@dataclass
class MadeUpRun:
    """Grows from 1,500 cells, shrinks after day 7, grows again with more stem cells."""

    days: float = 14.0
    samples: int = 15
    treated: bool = True
    tumour: int = 1500
    seed: int = 1

    def __post_init__(self) -> None:
        drug = {"drug": "paclitaxel", "dose": "80 mg/m^2", "every": "7 d", "from": "7 d"}
        block = {"block": "CXCR4", "fraction": 0.9, "from": "3 d", "until": "6 d"}
        self.times = np.linspace(0.0, self.days, self.samples)
        self.model = model()
        self.header = SimpleNamespace(
            scenario={
                "cancer": "breast", "days": self.days, "without_claims": ["C278"],
                "therapy": [drug, block] if self.treated else [],
            },
            fingerprints={"model": "0a" * 6, "evidence": "1b" * 6},
            versions={"python": "3.11.9", "stemniche": "0.1.0", "numpy": "2.2"},
            created_with="stemniche 0.1.0", spacing_um=20.0,
        )  # fmt: skip
        self.fingerprint, self.status, self.reason, self.folder = "a1b2c3d4e5f6", "done", "", None
        self.events = (
            Note(time_s=None, kind="warning", text="Preparation ended <early> at 30 d."),
            Note(time_s=86400 * 7, kind="therapy", text="paclitaxel 80 mg/m^2: dose 1"),
        )
        self._cells = {float(day): self._scatter(float(day)) for day in self.times}

    def _count(self, day: float) -> int:
        grown = self.tumour * (1 + 0.16 * day)
        return int(grown * (0.72 if self.treated and day > 8 else 1.0))

    def _scatter(self, day: float) -> Any:
        import anndata
        import pandas as pd

        rng = np.random.default_rng(int(100 * day) + self.seed)
        n = self._count(day)
        spots = _packed(13.0)
        away = np.hypot(*(spots - SIZE / 2).T) + rng.normal(0, 18, len(spots))
        tumour = spots[np.argsort(away)][:n]
        share = 0.05 + 0.05 * day / 14
        nest = np.cos(tumour[:, 0] / 70) * np.sin(tumour[:, 1] / 60) + rng.normal(0, 0.35, n)
        edge = np.quantile(nest, 1 - share) if n else 0.0
        kinds = np.where(nest > edge, "CSC", "progenitor").astype(object)
        kinds[(kinds == "progenitor") & (rng.random(n) < 0.45)] = "differentiated"
        free = rng.random((1100, 2)) * SIZE
        stroma = free[np.hypot(*(free - SIZE / 2).T) > 90]
        names = list(GROUPS)[3:]
        weights = np.array([6, 20, 5 + day, 4, 9, 6 + day, 8, 3, 11.0])
        others = rng.choice(names, len(stroma), p=weights / weights.sum())
        xy = np.vstack([tumour, stroma]) + rng.normal(0, 1.2, (n + len(stroma), 2))
        dying = 0.12 if 7 < day < 9 else 0.015
        state = np.where(rng.random(len(xy)) < dying, "apoptotic", "alive")
        obs = pd.DataFrame({
            "type": np.concatenate([kinds, others]),
            "state": state,
            "radius": np.concatenate([rng.normal(6.8, 0.4, n), rng.normal(6.0, 0.6, len(stroma))]),
        })  # fmt: skip
        obs.index = obs.index.astype(str)
        return anndata.AnnData(np.zeros((len(xy), 1), "f4"), obs=obs, obsm={"spatial": xy})

    def cells(self, day: float) -> Any:
        """As the real one: cells at a sample time."""
        return self._cells[float(day)]

    def field(self, name: str, day: float) -> Any:
        """As the real one: a level everywhere at a sample time."""
        import xarray as xr

        centres = (np.arange(75) + 0.5) * 20.0
        axes = {"z": [10.0], "y": centres, "x": centres}
        if name in MAPS:
            rng = np.random.default_rng(5)
            vessels = (rng.random((1, 75, 75)) < 0.02).astype("f4")
            open_ = vessels * (rng.random((1, 75, 75)) < 0.8)
            return xr.DataArray(vessels if name == "vessels" else open_, coords=axes)
        x, y = np.meshgrid(centres, centres)
        away = np.hypot(x - SIZE / 2, y - SIZE / 2)
        wide = 13.0 * np.sqrt(self._count(day) / np.pi) + 1.0
        level = 45 - 44 * np.exp(-((away / wide) ** 4)) + 3 * np.sin(x / 90) * np.cos(y / 110)
        units = dict(zip(FACTORS, ("mmHg", "mM", *["nM"] * 8), strict=True))
        return xr.DataArray(
            np.maximum(level, 0.2)[None].astype("f4"), dims=("z", "y", "x"),
            coords=axes, attrs={"units": units[name]},
        )  # fmt: skip

    @property
    def table(self) -> Any:
        """As the real one: one row per sample."""
        import pandas as pd

        rng = np.random.default_rng(self.seed)
        t = self.times
        made: dict[str, Any] = {"time_d": t}
        for name in GROUPS:
            made[f"cells.{name}"] = [
                float(((c.obs["type"] == name) & (c.obs["state"] == "alive")).sum())
                for c in (self._cells[float(day)] for day in t)
            ]
        live = sum(np.array(made[f"cells.{name}"]) for name in list(GROUPS)[:3])
        made["tumour_cells"] = live
        made["dead_cells"] = [
            float((self._cells[float(day)].obs["state"] != "alive").sum()) for day in t
        ]
        made["csc_fraction"] = np.array(made["cells.CSC"]) / np.maximum(live, 1)
        for cause, slope in {
            "symmetric": 14.0, "dedifferentiation": 9.0, "awakening": 3.0, "differentiation": -12.0,
            "death": -4.0, "traffic": -0.3,
        }.items():  # fmt: skip
            steps = slope * (1 + 0.4 * rng.random(len(t) - 1))
            made[f"csc_flux.{cause}"] = np.cumsum(np.r_[0, steps])
        for share in ("hypoxic", "necrotic", "quiescent"):
            made[f"{share}_fraction"] = 0.05 + 0.02 * np.sqrt(t) + 0.01 * rng.random(len(t))
        made["m2_fraction"] = np.linspace(0.3, 0.55, len(t))
        for k, name in enumerate(FACTORS):
            noise = 0.002 * rng.random(len(t))
            made[f"factor.{name}"] = 0.02 * (k + 1) * (1 + 0.15 * k * t / 14) + noise
        made["drug.paclitaxel"] = np.where(t > 7, 80 * np.exp(-(t - 7) / 1.1), 0.0)
        made["rate.drug_death.CSC"] = np.where((t > 7) & (t < 10), 0.1, 0.0)
        return pd.DataFrame(made)


def _packed(step: float) -> Any:
    rows = np.arange(step, SIZE - step, step * 0.87)
    x = np.arange(step, SIZE - step, step)
    return np.array([(a + (k % 2) * step / 2, b) for k, b in enumerate(rows) for a in x])


@pytest.fixture(scope="session")
def make_run() -> type[MadeUpRun]:
    """To make another such run."""
    return MadeUpRun


@pytest.fixture(scope="session")
def treated() -> MadeUpRun:
    """A run with two interventions."""
    return MadeUpRun()


@pytest.fixture(scope="session")
def untreated() -> MadeUpRun:
    """A run of one day without therapy."""
    return MadeUpRun(days=1.0, samples=2, treated=False)
