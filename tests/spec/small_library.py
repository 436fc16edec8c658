"""A small made-up library: four cell types, four factors, a handful of rows, made-up claims.

Tests get a `SmallLibrary` as the fixture `small`, change a line of a table, and read it again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from stemniche.spec.claimbook import ClaimBook, ClaimFacts
from stemniche.spec.compile import compile_model
from stemniche.spec.library import Library
from stemniche.spec.model import Model
from stemniche.spec.parameters import ENGINE_PARAMETERS
from stemniche.spec.rows import read_library

TABLES = {
    "vocabulary": """
id,kind,unit,low,high,scope,well_mixed,outcome,entity,description
stemness_state,signal,1,0,1,cell,,,,
damage,signal,1,0,,cell,,,,
cycle_rate,behaviour,1/min,0,0.02,cell,,,E20,
migration_speed,behaviour,um/min,0,20,cell,,,,
chemotaxis.<FACTOR>,behaviour,1,0,5,cell,,,,
conversion.<A>.<B>,behaviour,1/min,0,0.01,cell,,,,
recruitment.<TYPE>,behaviour,1,0,30,cell,,,,
egress.<TYPE>,behaviour,1,0,30,cell,,,,
volume,trait,um^3,50,20000,cell,,,,
entry,trait,1,0,1,cell,,,,
metastasis,outcome,,,,global,,yes,E30,
""",
    "cells": """
id,entity,parent,group,cl_id,description
cell,,,,,
tumour,,cell,tumour,,
CSC,E10,tumour,tumour,,
bulk,,tumour,tumour,,
MSC,E11,cell,stroma,,
monocyte,,cell,immune,,
""",
    "factors": """
id,entity,form,unit,molar_mass_kda,description
oxygen,,gas,mmHg,,
glucose,,metabolite,mM,0.18,
IL6,E1,soluble,nM,21,
PPBP,E2,soluble,nM,7.6,
""",
    "nodes": """
id,entity,cells,kind,baseline,tau,description
IL6R,,tumour;MSC,receptor,0.2,fast,
PPBP_expression,E2,MSC,expression,0.2,transcription,
STAT3,E3,tumour,tf,0.25,fast,
AKT,,tumour,signal,0.3,2 h,
stemness,,tumour,state,0.1,fate,
""",
    "parameters": """
name,value,low,high,unit,basis,source,description
oxygen.diffusivity,100000,,,um^2/min,assumed,assumed,
oxygen.baseline,40,,,mmHg,assumed,assumed,
oxygen.reference,20,,,mmHg,assumed,assumed,
glucose.diffusivity,20000,,,um^2/min,assumed,assumed,
glucose.baseline,5,,,mM,assumed,assumed,
IL6.diffusivity,60000,,,um^2/h,assumed,assumed,
IL6.half_life,1,,,h,assumed,assumed,
IL6.baseline,0.05,,,nM,assumed,assumed,
PPBP.diffusivity,1000,,,um^2/min,assumed,assumed,
PPBP.half_life,60,,,min,assumed,assumed,
PPBP.baseline,7.6,,,ng/mL,assumed,assumed,
tau.fast,10,,,min,assumed,assumed,
tau.transcription,2,,,h,assumed,assumed,
tau.fate,3,,,d,assumed,assumed,
stem.gain,1.5,1,3,1,assumed,assumed,
cell.volume,2000,,,um^3,assumed,assumed,
monocyte.volume,500,,,um^3,assumed,assumed,
tumour.cycle_rate,0.6,0.1,2,1/d,assumed,assumed,
CSC.cycle_rate,0.3,0.1,2,1/d,hedged,C010,
cell.migration_speed,6,0,60,um/h,assumed,assumed,
MSC.chemotaxis.IL6,0.5,0,1,1,assumed,assumed,
monocyte.conversion.monocyte.MSC,0.01,0,0.1,1/d,assumed,assumed,
taxol.damage,1,,,1/h,assumed,assumed,
""",
    "network": """
id,from,to,cells,sign,and_group,half_max,quantity,hill,weight,ref,context,generalises,species,basis,claims,supports,source,note
n.IL6R,IL6,IL6R,,+1,,0.05 nM,EC50,1,,,general,,,stated,,C001,Somebody 2001,
n.PPBP,IL6R,PPBP_expression,MSC,+1,,0.2,,2,2,,general,,,stated,C001,,,
n.STAT3,IL6R,STAT3,tumour,+1,,0.2,,1,,,general,,,stated,C002;C003,,,
n.AKT,IL6,AKT,tumour,+1,,1.05 ng/mL,,1,2,,breast,yes,,stated,C004,,,
n.AKT.lost,PTENX:lost,AKT,tumour,+1,,0.5,,2,2,,general,,,stated,C005,,,
n.stem,STAT3,stemness,tumour,+1,dual,0.25,,2,stem.gain,,general,,,stated,C006,,,
n.stem.partner,AKT,stemness,tumour,+1,dual,0.3,,2,,,general,,,stated,C007,,,
n.stem.gate,oxygen,stemness,tumour,-1,dual,20 mmHg,,1,,,general,,,stated,C008,,,
n.stem.memory,stemness_state,stemness,tumour,+1,,0.5,,4,,0.2,general,,,assumed,,,assumed,
""",
    "brakes": """
id,from,to,cells,sign,and_group,half_max,quantity,hill,weight,ref,context,generalises,species,basis,claims,supports,source,note
b.STAT3,AKT,STAT3,tumour,-1,,0.3,,2,1,,general,,,stated,,,Somebody 2002,
""",
    "rules": """
id,cell,signal,direction,behaviour,limit,half_max,hill,and_group,ref,context,generalises,species,basis,claims,supports,source,note
r.cycle.oxygen,tumour,oxygen,increases,cycle_rate,4 fold,4 mmHg,2,,,general,,,assumed,,,assumed,
r.cycle.STAT3,tumour,STAT3,decreases,cycle_rate,0.05 1/d,0.25,2,,,general,,,stated,C009,,,
r.recruit,vessel,IL6,increases,recruitment.MSC,3 fold,0.05 nM,1,,,general,,,stated,C011,,,
r.release,marrow,serum.IL6,increases,egress.monocyte,3 fold,0.1 nM,1,,,general,,,assumed,,,assumed,
""",
    "secretion": """
id,cell,factor,rate,node,context,generalises,basis,claims,supports,source
s.PPBP,MSC,PPBP,20 molecules/s,PPBP_expression,general,,stated,C001,,
s.IL6,tumour,IL6,2 molecules/s,,general,,stated,C012,,
""",
    "uptake": """
id,cell,factor,kind,rate,km,basis,claims,source
u.oxygen,tumour,oxygen,first_order,600 1/h,,stated,,Somebody 2003
u.glucose,tumour;MSC,glucose,michaelis,1e-16 mol/s,0.5 mM,stated,,Somebody 2004
""",
    "cancers": """
id,entity,is_a,description
solid,E40,,
breast,E41,solid,
breast_tnbc,E42,breast,
colorectal,E43,solid,
""",
    "families": "id,entity,members\n",
    "genotypes": "id,counts_as,source\nPTENX:mutant,PTENX:lost,Somebody 2005\n",
    "pools": "id,cell,description\nblood,monocyte,\nmarrow,monocyte,\n",
    "drugs": """
id,aliases,class,molar_mass_g_mol,route,dose,clearance,fold,basis,source
taxol,T-1,taxane,850,iv,80 mg/m^2,6 L/h,2,assumed,assumed
""",
    "drug_classes": """
id,is_a,phases,instead,description
agent,,,,
taxane,agent,G2M,,
""",
    "drug_targets": """
id,drug,target,acts_on,effect,cells,potency,quantity,hill,maximum,context,basis,claims,supports,source
d.taxol,taxol,damage,,poison,,10 nM,EC50,1.5,,general,assumed,,,assumed
d.taxol.IL6R,taxol,IL6R,,antagonist,,2 nM,Kd,,0.9,breast,assumed,,,assumed
""",
    "entailed": "claim,path,note\nC020,s.IL6;n.IL6R;n.PPBP;s.PPBP,\n",
    "not_carried": "claim,reason,note\nC021,definition,\n",
    "parts": "section,part\nS0 first,lineage\n",
}

ENTITIES = {
    "E1": "IL6", "E2": "PPBP", "E3": "STAT3", "E10": "CSC", "E11": "MSC", "E20": "proliferation",
    "E30": "metastasis", "E31": "relapse", "E40": "solid tumours", "E41": "breast cancer",
    "E42": "TNBC", "E43": "colorectal cancer",
}  # fmt: skip


def facts(claim: str, **changes: Any) -> ClaimFacts:
    """A mechanism claim that holds everywhere, with changes."""
    return ClaimFacts(**{"id": claim, "kind": "mechanism", "level": "atomic"} | changes)


def book() -> ClaimBook:
    """C001 to C012 may be rows; C013 says what C001 says; C020 follows, C021 only defines."""
    claims = [facts(f"C{i:03d}") for i in range(1, 13)]
    claims[3] = facts("C004", cancers=("E41",))
    claims += [
        facts("C013", level="restated", restates="C001"),
        facts("C014", kind="therapy_effect"),
        facts("C015", objects=("E30",)),
        facts("C016", level="summary"),
        facts("C017", objects=("E31",), via=("E3",)),
        facts("C018", cancers=("E43",)),
        facts("C020", level="summary"),
        facts("C021", kind="definition"),
    ]
    return ClaimBook(
        claims={claim.id: claim for claim in claims},
        entity_class={e: "outcome" if e == "E31" else "process" for e in ENTITIES},
        entity_name=dict(ENTITIES),
        fingerprint="0" * 12,
        groups={claim: frozenset(("C001", "C013")) for claim in ("C001", "C013")},
    )


def setting(cancer: str = "breast", **changes: Any) -> Any:
    """What the compilation reads of a scenario."""
    return SimpleNamespace(
        cancer=cancer,
        context_policy=changes.get("policy", "generalised"),
        tumour=SimpleNamespace(genotype=changes.get("genotype", {})),
        host=SimpleNamespace(species="human", immune="intact"),
        claims_off=tuple(changes.get("claims_off", ())),
        drugs=tuple(changes.get("drugs", ())),
        rows_off=tuple(changes.get("rows_off", ())),
        parameters=changes.get("parameters", {}),
        where=lambda path: f"made_up.yaml, key {path}",
    )


@dataclass
class SmallLibrary:
    """The tables in a folder of their own, and the book of claims they cite."""

    folder: Path
    book: ClaimBook = field(default_factory=book)

    def __post_init__(self) -> None:
        for name, text in TABLES.items():
            (self.folder / f"{name}.csv").write_text(text.lstrip("\n"), encoding="utf-8")
        for name in ENGINE_PARAMETERS:
            self.add("parameters", f"{name},2,,,1,assumed,assumed,")

    def add(self, table: str, line: str) -> int:
        """Append a line to a table; return its number."""
        path = self.folder / f"{table}.csv"
        path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
        return path.read_text(encoding="utf-8").count("\n")

    def swap(self, table: str, old: str, new: str) -> int:
        """Replace text that occurs once in a table; return the number of its line."""
        path = self.folder / f"{table}.csv"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def read(self) -> Library:
        """Read and check the tables as they are now."""
        return read_library(self.folder, self.book)

    def compile(self, cancer: str = "breast", **changes: Any) -> Model:
        """Read, check and compile for a made-up scenario."""
        return compile_model(self.read(), setting(cancer, **changes), self.book)
