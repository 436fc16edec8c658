"""What a user may name, by kind, and which ids of the library a spelling stands for.

Readers of scenarios and interventions ask here. Ids win over spellings, spellings come from the
evidence's entities, drug aliases and families; a family stands for its modelled members, an
abstract cell type for its concrete ones. Nothing here knows which key a name was written under.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from stemniche.core.names import LONGEST_NAME, did_you_mean, fold, nearest
from stemniche.spec.reading import Field

Kind = Literal[
    "cancer", "cell", "tissue", "gene", "factor", "receptor", "node", "drug",
    "genotype", "claim", "row", "measure", "marker", "target",
]  # fmt: skip

_LABELS: dict[Kind, str] = {
    "cancer": "cancer type", "cell": "cell type", "tissue": "cell type of the tissue",
    "gene": "node or factor", "factor": "factor", "receptor": "receptor", "node": "node",
    "drug": "drug", "genotype": "gene", "claim": "claim", "row": "row of the library",
    "measure": "measure", "marker": "marker", "target": "target of a drug",
}  # fmt: skip

_INSTEAD: dict[Kind, str] = {"factor": "neutralise", "receptor": "block", "node": "inhibit"}
"""Intervention that suits a name of another kind than the wanted one."""

_WITHIN: dict[str, tuple[Kind, ...]] = {"node": ("node", "cell"), "cells": ("cell", "node")}
_WITHIN_OTHERS: tuple[Kind, ...] = ("factor", "cell", "drug", "node")
"""What the parts of a measure's name may be, by its first part."""

MOST_LISTED = 30
MOST_NAMED = 6

_AGAINST = re.compile(
    r"(?:anti[- ]|targeting )(.+?)(?: (?:agents?|drugs?|therap(?:y|ies)|antibod(?:y|ies)))?"
    r"|antibod(?:y|ies) (?:against|to) (.+)"
    r"|(.+?)[- ](?:targeting|inhibit(?:ors?|ion)|antagonists?|block(?:ers?|ade)|antibod(?:y|ies))",
    re.IGNORECASE,
)
"""A drug named by what it is aimed at."""

_PARTS = re.compile(r" *(?:[;,+/]| or | and | plus | with ) *")
_STAGE = re.compile(r"^(?:advanced|metastatic|recurrent|refractory|unresectable) ", re.IGNORECASE)
_MIRNA = re.compile(r"^(?:hsa-|mmu-)?(mir-?\d+[a-z]?|let-?7[a-z]?)(?:-[35]p)?$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Names:
    """Everything that may be named.

    Args:
        ids: Ids of each kind, in the order of the library.
        spellings: For each kind, what else may be written (folded) and the ids it stands for.
        brands: What else single drugs are called.
        units: Unit of a factor's level, by id.
        molar_masses: kDa of factors that have one.
        entities: Spellings (folded) of all that the evidence speaks of.
        among: Spellings (folded) of families of cells that are meant only where they lie among
            cells of other types: the family's id and those types.
        genotypes: States of genes that rows of the library read, such as ``TP53:mutant``.
        elsewhere: What to write instead of some spellings (folded) that name no single thing.
        check: Judges parameters that a scenario sets, given their values by name and the place of
            a dotted path; raises `InputError` for one that cannot be.
    """

    ids: Mapping[Kind, tuple[str, ...]]
    spellings: Mapping[Kind, Mapping[str, tuple[str, ...]]]
    brands: tuple[str, ...]
    units: Mapping[str, str]
    molar_masses: Mapping[str, float]
    entities: frozenset[str]
    among: Mapping[str, tuple[str, tuple[str, ...]]]
    genotypes: frozenset[str]
    elsewhere: Mapping[str, str]
    check: Callable[[Mapping[str, str | float], Callable[[str], str]], object]

    def resolve(self, kind: Kind, text: str) -> tuple[str, ...]:
        """The ids that `text` stands for; empty when it is unknown.

        A drug may be named by its target, as in ``anti-PD-1`` or ``EGFR inhibitors``.
        """
        spellings = self.spellings.get(kind, {})
        if text in self.ids.get(kind, ()):
            return spellings.get(fold(text), (text,)) if kind == "cell" else (text,)
        for variant in _variants(kind, text):
            if fold(variant) in spellings:
                return spellings[fold(variant)]
        if kind == "measure":
            return tuple(m for m in self.measures_meant(text) if m in self.ids["measure"])[:1]
        return self._against(text) if kind == "drug" else ()

    def measures_meant(self, text: str) -> Iterator[str]:
        """Measures that may be meant: each part after the first as the ids it may stand for."""
        head, *rest = text.split(".")
        kinds = _WITHIN.get(head, _WITHIN_OTHERS)
        for parts in product(*(self._part(part, kinds) for part in rest)):
            yield ".".join((head, *parts))

    def _part(self, part: str, kinds: tuple[Kind, ...]) -> tuple[str, ...]:
        """Ids that a part of a measure's name may stand for, itself if it is one."""
        stem, high = (part[:-5], "_high") if part.endswith("_high") else (part, "")
        if any(stem in self.ids.get(kind, ()) for kind in kinds):
            return (part,)
        found = [name for kind in kinds for name in self.resolve(kind, stem)]
        return tuple(dict.fromkeys((*(f"{name}{high}" for name in found), part)))

    def _against(self, text: str) -> tuple[str, ...]:
        """Drugs with the target or the targets that a text names."""
        for variant in _variants("drug", text):
            match = _AGAINST.fullmatch(variant)
            if match:
                named = next(filter(None, match.groups()))
                aims = re.split(r"/| or | and ", named)
                found = [self.resolve("target", aim.strip()) for aim in aims]
                if all(found):
                    return tuple(dict.fromkeys(drug for drugs in found for drug in drugs))
        return ()

    def nearest(self, kind: Kind, text: str) -> list[str]:
        """Valid names that `text` probably meant, best first."""
        return nearest(text, self._choices(kind))

    def _choices(self, kind: Kind) -> tuple[str, ...]:
        """Ids, and of drugs their brand names and codes too."""
        return (*self.ids.get(kind, ()), *(self.brands if kind == "drug" else ()))

    def read(self, kind: Kind, written: Field) -> tuple[str, ...]:
        """The ids that a written name stands for.

        Raises:
            InputError: Nothing of that name exists; the remedy gives the nearest ones.
        """
        text = written.text()
        found = self.resolve(kind, text)
        if found:
            return found
        raise written.error(*self.lacking(kind, text, written.shown))

    def lacking(self, kind: Kind, text: str, shown: str) -> tuple[str, str]:
        """What is wrong with a name that stands for nothing, and what to write instead.

        Args:
            shown: The name in quotes, shortened for a message.
        """
        label = _LABELS[kind]
        instead = self._instead(kind, text)
        if instead:
            return f"{shown} is no {label} of this version.", instead
        what = f"There is no {label} {shown}."
        if fold(text) in self.entities:
            what = f"{shown} is known to the evidence, but not a {label} of this version."
        return what, self._remedy(kind, text)

    def read_one(self, kind: Kind, written: Field) -> str:
        """The one id that a written name stands for.

        Raises:
            InputError: It is unknown, or stands for several.
        """
        found = self.read(kind, written)
        if len(found) > 1:
            listed = ", ".join(found[:MOST_LISTED])
            what = f"{written.shown} stands for several: {listed}."
            raise written.error(what, "Name one of them.")
        return found[0]

    def _instead(self, kind: Kind, text: str) -> str:
        """What takes a name of another kind, or one that names no single thing."""
        if kind == "drug" and (found := self._no_drug(text)):
            return found
        for other, key in _INSTEAD.items():
            if kind in _INSTEAD and other != kind and self.resolve(other, text):
                return f"It is a {_LABELS[other]}: use '{key}'."
        if kind not in (*_INSTEAD, "gene", "drug"):
            return ""
        known = (self.elsewhere.get(fold(variant)) for variant in _variants(kind, text))
        return next(filter(None, known), "") or self._by_drugs(text)

    def _by_drugs(self, text: str) -> str:
        """What to write for a target that only drugs act on."""
        found = self.resolve("target", text)[:MOST_NAMED]
        also = f" ({', '.join(found[1:])} too)" if len(found) > 1 else ""
        return f"Drugs act on it: use 'drug: {found[0]}'{also}." if found else ""

    def _no_drug(self, text: str) -> str:
        """What to write for several drugs in one name, or for what drugs are aimed at."""
        parts = [part for part in _PARTS.split(text) if part]
        if len(parts) > 1 and all(self.resolve("drug", part) for part in parts):
            return f"Give each as an item of its own: {', '.join(parts)}."
        found = [self.resolve("target", part) for part in parts]
        if not parts or not all(found):
            return ""
        aimed = list(dict.fromkeys(drug for drugs in found for drug in drugs))[:MOST_NAMED]
        keys = [key for other, key in _INSTEAD.items() if self.resolve(other, text)]
        otherwise = f", or use '{keys[0]}: {text}'" if keys else ""
        return f"Name a drug that is aimed at it, such as {', '.join(aimed)}{otherwise}."

    def _remedy(self, kind: Kind, text: str) -> str:
        ids = self.ids.get(kind, ())
        listed = f"This version has: {', '.join(ids)}." if 0 < len(ids) <= MOST_LISTED else ""
        where = "drugs` lists what there is" if kind == "drug" else "evidence` shows what is known"
        otherwise = listed or f"Check the spelling; `stemniche {where}."
        mend = did_you_mean(text, self._choices(kind), otherwise)
        return f"{mend} {listed}" if listed and mend != otherwise else mend


def _variants(kind: Kind, text: str) -> Iterator[str]:
    """A text as it stands, then without what some writers add."""
    yield text
    if len(text) > LONGEST_NAME:
        return
    parts = [text]
    if text.endswith(")"):
        outside, _, inside = text[:-1].partition("(")
        parts += [outside.strip(), inside.strip()]
        yield from parts[1:]
    if kind == "drug":
        yield from (part[:-1] if part.endswith("s") else f"{part}s" for part in parts)
    if kind == "cancer":
        yield _STAGE.sub("", text)
    found = _MIRNA.match(text)
    if found:
        yield found[1]


def spell(ids: Iterable[str], *more: tuple[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """A table of spellings: each id by itself, then each further spelling with what it means.

    The first meaning of a spelling wins.

    Example:
        >>> spell(["CXCL8"], ("IL-8", ["CXCL8"]))["il8"]
        ('CXCL8',)
    """
    table: dict[str, tuple[str, ...]] = {fold(name): (name,) for name in ids}
    for spelling, means in more:
        if fold(spelling):
            table.setdefault(fold(spelling), tuple(means))
    return table
