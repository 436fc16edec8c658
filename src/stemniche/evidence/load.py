"""The evidence as one object: tables, records, spellings, graph, loops and routes.

`load` is the only way in for every layer above; it reads the package's tables once. Data frames and
graphs are built when asked for, because pandas and networkx are slow to import. What the claims do
in a simulation is the library's business, not this module's.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, final

from stemniche.core.errors import EvidenceError
from stemniche.core.identity import fingerprint_files
from stemniche.core.names import LONGEST_NAME, did_you_mean, fold
from stemniche.evidence.graph import Arrow, Arrows, base_of, causal, literal, not_inside, with_cells
from stemniche.evidence.loops import Loop, find
from stemniche.evidence.paths import Route, Step, routes
from stemniche.evidence.records import Claim, Entity, Records, read, rows_of, table_files

if TYPE_CHECKING:
    import pandas as pd

LONGEST_ROUTE = 8


@final
@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything the sources say.

    Tables are pandas DataFrames with ids as index; list columns hold tuples, `joint` is a bool,
    `table_row` a whole number, all else text. Each access returns a fresh copy.

    Example:
        >>> evidence = load()
        >>> evidence.entity("OCT4").name
        'POU5F1'
        >>> evidence.claim("C257").relation
        'induces_expression'
    """

    records: Records

    @property
    def claims(self) -> "pd.DataFrame":
        """One row per statement."""
        return self._frames["claims"].copy()

    @property
    def experiments(self) -> "pd.DataFrame":
        """One row per perturbation or contrast."""
        return self._frames["experiments"].copy()

    @property
    def entities(self) -> "pd.DataFrame":
        """One row per thing that claims speak of."""
        return self._frames["entities"].copy()

    @property
    def therapies(self) -> "pd.DataFrame":
        """One row per therapy or strategy."""
        return self._frames["therapies"].copy()

    @property
    def mirnas(self) -> "pd.DataFrame":
        """One row per vesicle-borne miRNA and cancer."""
        return self._frames["mirna_table1"].copy()

    @property
    def drugs(self) -> "pd.DataFrame":
        """One row per approved drug."""
        return self._frames["fda_drugs_table2"].copy()

    @property
    def trials(self) -> "pd.DataFrame":
        """One row per trial and target."""
        return self._frames["trials_table3"].copy()

    @cached_property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the tables' bytes."""
        return fingerprint_files(table_files())

    @property
    def vocabulary(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Closed lists of the tables: heading, value, the other cells of its line."""
        return self.records.vocabulary

    def claim(self, ident: str) -> Claim:
        """Return the claim with this id.

        Raises:
            EvidenceError: There is none.
        """
        wanted = ident.strip().upper()
        if wanted in self.records.claims:
            return self.records.claims[wanted]
        mend = "Claim ids are C and three digits; `stemniche evidence claims` lists them."
        raise EvidenceError(f"There is no claim '{ident[:LONGEST_NAME]}'.", "evidence", mend)

    def entity(self, name: str) -> Entity:
        """Return the entity of an id, canonical name, gene symbol or spelling.

        Case and separators do not count. A name wins over a symbol, a symbol over a spelling.

        Raises:
            EvidenceError: Nothing is called so (the nearest names are given), or several are.
        """
        wanted = name.strip()
        if wanted.upper() in self.records.entities:
            return self.records.entities[wanted.upper()]
        for index in self._spellings if len(wanted) <= LONGEST_NAME else ():
            found = index.get(fold(wanted), ())
            if len(found) == 1:
                return self.records.entities[found[0]]
            if found:
                names = " or ".join(f"'{self.records.entities[i].name}'" for i in found)
                what = f"'{name}' means more than one entity."
                raise EvidenceError(what, "evidence", f"Write {names}.")
        every = (s for e in self.records.entities.values() for s in (e.name, *e.spellings))
        mend = did_you_mean(wanted, every, "`stemniche evidence summary` tells what there is.")
        raise EvidenceError(f"There is no entity '{name[:LONGEST_NAME]}'.", "evidence", mend)

    def same_statement(self, ident: str) -> tuple[str, ...]:
        """Return the ids of all claims that say the same as this one, itself included, sorted.

        They are tied by `same_as` or `restates`, directly or not: who drops one drops all.

        Raises:
            EvidenceError: There is no such claim.
        """
        return self._groups[self.claim(ident).id]

    @cached_property
    def graph(self) -> Any:
        """A frozen networkx MultiDiGraph of names, one edge per claim; see `graph.literal`."""
        return literal(self.records)

    def loops(self) -> list[Loop]:
        """Return the named feedback loops with the claims that close each of them."""
        return list(self._loops)

    def paths(self, start: str, end: str, max_length: int = 5, limit: int = 20) -> list[Route]:
        """Return routes of cause and effect between two entities, shortest first.

        A route may start with what a cell makes and end with what acts on a cell, but lead through
        a cell only where a claim names the cell itself. A therapy can only be its start or end.

        Args:
            start: Id, name or spelling; states count as the entity they are states of.
            end: Another one.
            max_length: Largest number of steps, 1 to 8.
            limit: Largest number of routes.

        Raises:
            EvidenceError: An unknown name, both the same, or a number out of range.
        """
        first, last = (base_of(self.records, self.entity(x).id)[0] for x in (start, end))
        if first == last:
            what = f"'{start}' and '{end}' are one entity."
            raise EvidenceError(what, "paths", "Name two entities; loops() tells what returns.")
        if not 1 <= max_length <= LONGEST_ROUTE or limit < 1:
            what = f"max_length {max_length} or limit {limit} is out of range."
            mend = f"Use a max_length of 1 to {LONGEST_ROUTE} and a positive limit."
            raise EvidenceError(what, "paths", mend)
        found = routes(
            with_cells(self.records, self._arrows, first, last),
            first,
            last,
            max_length=max_length,
            limit=limit,
            closed_to=not_inside(self.records),
        )
        return [Route(tuple(self._step(arrow) for arrow in route)) for route in found]

    def summary(self) -> dict[str, dict[str, int]]:
        """Return row counts of the tables, and of claims by kind, level, basis, review and sign."""
        counts = {"tables": {name: len(rows) for name, rows in self.records.rows.items()}}
        for column in ("kind", "level", "basis", "review", "sign"):
            tally: dict[str, int] = {}
            for claim in self.records.claims.values():
                value = getattr(claim, column)
                tally[value] = tally.get(value, 0) + 1
            counts[column] = dict(sorted(tally.items(), key=lambda item: -item[1]))
        return counts

    def _step(self, arrow: Arrow) -> Step:
        names = self.records.entities
        return Step(names[arrow.source].name, names[arrow.target].name, arrow.claims, arrow.sign)

    @cached_property
    def _arrows(self) -> Arrows:
        return causal(self.records)

    @cached_property
    def _loops(self) -> tuple[Loop, ...]:
        return find(self.records, self._families)

    @cached_property
    def _families(self) -> dict[str, tuple[str, ...]]:
        """Members of families that are entities here; other members are the library's own names."""
        families = {}
        for row in rows_of(files("stemniche.library") / "families.csv"):
            members = (self._find(part) for part in row["members"].split(";"))
            families[row["entity"]] = tuple(m for m in members if m and m != row["entity"])
        return families

    def _find(self, name: str) -> str:
        try:
            return self.entity(name).id
        except EvidenceError:
            return ""

    @cached_property
    def _spellings(self) -> tuple[dict[str, tuple[str, ...]], ...]:
        """Folded names, then symbols, then spellings, each with the ids it may mean."""
        names: dict[str, tuple[str, ...]] = {}
        symbols: dict[str, tuple[str, ...]] = {}
        spellings: dict[str, tuple[str, ...]] = {}
        for entity in self.records.entities.values():
            names[fold(entity.name)] = (entity.id,)
            if entity.symbol:
                symbols.setdefault(fold(entity.symbol), (entity.id,))
            for spelling in entity.spellings:
                known = spellings.get(fold(spelling), ())
                spellings[fold(spelling)] = tuple(dict.fromkeys((*known, entity.id)))
        return names, symbols, spellings

    @cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        group = {ident: {ident} for ident in self.records.claims}
        for claim in self.records.claims.values():
            for other in (claim.same_as, claim.restates):
                if other and group[other] is not group[claim.id]:
                    merged = group[other] | group[claim.id]
                    group.update(dict.fromkeys(merged, merged))
        return {ident: tuple(sorted(members)) for ident, members in group.items()}

    @cached_property
    def _frames(self) -> "dict[str, pd.DataFrame]":
        import pandas as pd

        frames = {}
        for name, rows in self.records.rows.items():
            frame = pd.DataFrame.from_records(list(rows))
            frame.index = pd.Index([str(ident) for ident in frame["id"]])
            if "joint" in frame:
                frame["joint"] = frame["joint"] == "yes"
            if "table_row" in frame:
                frame["table_row"] = frame["table_row"].astype(int)
            frames[name] = frame
        return frames


@lru_cache(maxsize=1)
def load() -> Evidence:
    """Return the evidence shipped with the package; read once per process.

    Raises:
        EvidenceError: The installed tables are damaged.
    """
    return Evidence(read())
