"""Simulate: prepare the tissue, run the days, sample, checkpoint; stop and go on, bit for bit.

The only place that puts spec, therapy, engine and store together. Sampling, checkpoints, length and
threads never enter the State.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stemniche.core.errors import GuardError, InputError
from stemniche.core.expressions import Node as Expression
from stemniche.core.expressions import evaluate, names
from stemniche.engine.controls import ENDED, ON, PAUSED
from stemniche.engine.plan import Plan
from stemniche.engine.process import TICK_S
from stemniche.engine.state import PHASE_NAMES, STATE_NAMES, State
from stemniche.engine.step import advance, begin, moment, seconds
from stemniche.engine.vessels import lined
from stemniche.kernels.cpu import Backend, cpu
from stemniche.run.allowance import processors
from stemniche.run.assays import assays
from stemniche.run.assemble import Assembled, assemble
from stemniche.run.header import machine_notes, make_header, same_run
from stemniche.run.interrupt import between_ticks
from stemniche.run.journal import LOG
from stemniche.run.lengthen import going_on
from stemniche.run.measures import look_up, measure
from stemniche.run.planting import RECORDED, planting
from stemniche.run.records import plain
from stemniche.run.results import Run
from stemniche.run.store import Store, holds_run
from stemniche.run.watch import Watch, memory_short
from stemniche.spec.scenario import Scenario

CHECK_S = 3600
"""Conditions (end of preparation, ``until``) are looked at this often, s."""

TALLIES = (
    "flux",
    "divisions_done",
    "born",
    "expected_born",
    "expected_born_seen",
    "deaths",
    "expected_deaths",
    "expected_deaths_seen",
    "exposure",
    "cumulative_hazard",
    "treatment_hazard",
    "converted",
    "expected_converted",
    "engulfed",
    "expected_engulfed",
    "recruited",
    "expected_recruited",
    "expected_sprouts",
    "arrived",
    "depleted",
    "transferred",
    "left_domain",
    "left_replaced",
    "spread_tally",
)
"""Counts, and their expectations, that start anew at day 0."""

MAPS = {"vessels": "1", "perfusion": "1"}
"""Variables recorded per voxel beside the factors, and their units."""

Progress = Callable[[str, float], None]


def simulate(
    scenario: Scenario,
    seed: int = 1,
    out: str | Path | None = None,
    threads: int | None = None,
    progress: Progress | bool | None = None,
    *,
    resume: bool = False,
    prepared: dict[str, Any] | None = None,
    assembled: Assembled | None = None,
) -> Run:
    """Run a scenario.

    Args:
        seed: Of every random number.
        out: Folder for ``run.zarr``; it exists. None keeps the run in memory.
        threads: Of the kernels; None chooses by size. Results do not depend on it.
        progress: Called with what is going on and the share done.
        resume: Go on from the newest checkpoint in `out`.
        prepared: A state as `prepare` returned it, from a scenario equal up to day 0.
        assembled: What `assemble` made of the scenario and the seed, where that was done before.

    Raises:
        InputError: The scenario is wrong, or `out` holds another run, or one that is longer.
        GuardError: The run went wrong; what was computed is kept and can be resumed.
        KeyboardInterrupt: Likewise.
    """
    run = assembled or assemble(scenario, seed)
    k = cpu(_threads(threads, run.plan))
    # What another run has to give is asked for before anything of this one is kept.
    known = prepared is not None or (resume and out is not None and holds_run(Path(out)))
    state = begin(run.plan, k, None if known else planting(scenario, seed, _other_arm))
    _check_conditions(run, state)
    store, kept = _store(run, out, resume)
    if known and kept is None and prepared is None:
        state = begin(run.plan, k, planting(scenario, seed, _other_arm))
    _go_on(state, kept, prepared)
    tell: Progress = progress if callable(progress) else lambda what, share: None
    try:
        with between_ticks() as asked, _memory_errors(state):
            if int(state["day0"][0]) < 0:
                _prepare(run, state, k, store, tell, asked)
            _days(run, state, k, store, tell, asked)
    except _Asked:
        _keep(store, state)
        store.finish("interrupted", "interrupted by the user or the system")
        raise KeyboardInterrupt from None
    except GuardError as fault:
        with suppress(GuardError):
            store.finish("stopped", fault.what)
        LOG.error(fault.what)
        raise
    store.finish("done")
    return Run(store)


class _Asked(Exception):
    """Somebody asked to stop; the State is between two ticks."""


def prepare(scenario: Scenario, seed: int, threads: int | None = None) -> dict[str, Any]:
    """Only the preparation: a state at day 0 from which several arms can branch."""
    run = assemble(scenario, seed)
    k = cpu(_threads(threads, run.plan))
    state = begin(run.plan, k, planting(scenario, seed, _other_arm))
    _check_conditions(run, state)
    _prepare(run, state, k, None, lambda what, share: None, lambda: False)
    return _pack(state)


def columns(scenario: Scenario) -> tuple[str, ...]:
    """The names that a run's table will have, without running it."""
    plan = assemble(scenario, 1).plan
    return (*measure(plan, begin(plan, cpu(1))), *scenario.measures)


def _other_arm(scenario: Scenario, seed: int) -> Run:
    """The run of another arm, in memory."""
    return simulate(scenario, seed, threads=1)


@contextmanager
def _memory_errors(s: State) -> Iterator[None]:
    """Tell of an allocation that failed as the guard does that looks ahead."""
    try:
        yield
    except MemoryError as fault:
        raise memory_short(str(fault) or "an allocation failed", s) from fault


def _threads(asked: int | None, plan: Plan) -> int:
    """Threads to use: one for small problems, whose kernels are shorter than their start."""
    if asked is not None:
        if asked < 1:
            raise InputError(f"{asked} threads cannot work.", "threads", "Give 1 or more.")
        return asked
    cells = plan.layout.tumour_cells + sum(plan.layout.tissue.values())
    return 1 if cells < 20_000 and plan.grid.voxels < 100_000 else processors()


def _store(
    run: Assembled, out: str | Path | None, resume: bool
) -> tuple[Store, tuple[int, dict[str, Any]] | None]:
    """Open or create the store of a run; with the newest checkpoint, if there is one."""
    from stemniche.core.identity import fingerprint

    prints = {
        "model": fingerprint(run.model),
        "evidence": run.model.evidence_fingerprint,
        "library": run.model.library_fingerprint,
        "scenario": run.scenario.fingerprint,
    }
    folder, kept = None if out is None else Path(out), None
    if resume and folder is not None and holds_run(folder):
        store = Store.open(folder)
        same_run(store.header, prints, run.plan.seed, str(folder), run.scenario.resolved())
        changed = store.header.scenario != plain(run.scenario.resolved())
        resampled = going_on(store, run.scenario) if changed else ""
        kept = store.resume()
        if changed:
            store.lengthen(run.scenario.resolved())
        if resampled and kept is not None:
            store.log(resampled, time_s=kept[0])
        for note in machine_notes(store.header):
            _warn(store, note)
    else:
        store = Store.create(folder, _header(run, prints))
    if kept is None:
        _announce(run, store)
    return store, kept


def _header(run: Assembled, prints: dict[str, str]) -> dict[str, Any]:
    """What the store says of the run."""
    from stemniche.spec.compile import to_json

    return make_header(
        name=run.scenario.name,
        scenario=run.scenario.resolved(),
        model=to_json(run.model),
        fingerprints=prints,
        seed=run.plan.seed,
        types=run.plan.types.names,
        states=STATE_NAMES,
        phases=PHASE_NAMES,
        nodes=run.plan.nodes.names,
        factors={f.id: f.unit for f in run.plan.factor_data},
        maps=MAPS,
        spacing_um=run.plan.grid.spacing,
    )


def _announce(run: Assembled, store: Store) -> None:
    """Note what is known before the first tick: remarks on the model, what will be done to it."""
    for note in (*run.model.notes, *run.scenario.notes):
        _warn(store, note)
    # One intervention may need many controls, and is told once.
    for label, second in dict.fromkeys((c.label, c.start or 0) for c in run.plan.controls):
        store.log(label, kind="therapy", time_s=second)
    for item in run.scenario.therapy:
        if item.key == "drug":
            start = 0.0 if item.start == "birth" else item.start
            store.log(str(item), kind="therapy", time_s=round(start * 60))


def _warn(store: Store, text: str) -> None:
    """Note a warning and tell whoever listens."""
    store.log(text, kind="warning")
    LOG.warning(text)


def _go_on(
    state: State, kept: tuple[int, dict[str, Any]] | None, prepared: dict[str, Any] | None
) -> None:
    """Take over a checkpoint, or a state at day 0, where there is one."""
    if kept is not None:
        _unpack(state, kept[1])
    elif prepared is not None:
        _unpack(state, prepared)


def _pack(s: State) -> dict[str, Any]:
    return {**s.snapshot(), "n": s.n, "tick": s.tick}


def _unpack(s: State, packed: dict[str, Any]) -> None:
    arrays = {name: value for name, value in packed.items() if name not in ("n", "tick")}
    s.restore(arrays, int(packed["n"]), int(packed["tick"]))


def _prepare(
    run: Assembled,
    s: State,
    k: Backend,
    store: Store | None,
    tell: Progress,
    asked: Callable[[], bool],
) -> None:
    """Let niche, fields and networks relax until day 0."""
    wanted = run.scenario.prepare
    last = round(wanted.length * 60.0 / TICK_S)
    until = wanted.until.tree if wanted.until is not None else None
    watch = Watch(run.plan)
    while s.tick < last:
        if until is not None and s.tick * TICK_S % CHECK_S == 0 and holds(run.plan, s, until):
            break
        advance(run.plan, s, k)
        if asked():
            raise _Asked
        if s.tick * TICK_S % CHECK_S == 0:
            watch.look(s)
            _judge(run.plan, s)
            tell("preparing", s.tick / max(last, 1))
        if store is not None and s.tick * TICK_S % 86400 == 0:
            store.write_checkpoint(0, _pack(s))
    else:
        if wanted.until is not None and store is not None:
            _warn(
                store,
                f"Preparation ended at its longest time; '{wanted.until.text}' did not come true.",
            )
    s["day0"][0] = s.tick
    s.live("label")[:] = 1.0
    for name in TALLIES:
        if name in s.variables:
            s[name][...] = 0


def _days(
    run: Assembled,
    s: State,
    k: Backend,
    store: Store,
    tell: Progress,
    asked: Callable[[], bool],
) -> None:
    """From where the State is to the last day."""
    end = run.scenario.duration_s
    step = run.scenario.sample_every_s
    watch = Watch(run.plan)
    while True:
        now = seconds(s)
        due = (now % step == 0 or now == end) and now not in store.times_s
        if due or now % CHECK_S == 0:
            watch.look(s, due)
        if due:
            sample(run.plan, s, store, run.scenario.measures)
            _keep(store, s)
            LOG.info("day %.4g, %d cells", now / 86400.0, s.n)
            tell("simulating", now / max(end, 1))
        if now >= end:
            return
        if now % CHECK_S == 0:
            _judge(run.plan, s)
        advance(run.plan, s, k)
        if asked():
            raise _Asked


def _judge(plan: Plan, s: State) -> None:
    """End, interrupt and resume the controls whose conditions ask for it."""
    for i, control in enumerate(plan.controls):
        was = s["control_ended"][i]
        if was == ENDED or not control.active(moment(s)):
            continue
        if holds(plan, s, control.until):
            s["control_ended"][i] = ENDED
        elif was == PAUSED and control.resume is not None:
            s["control_ended"][i] = ON if holds(plan, s, control.resume) else PAUSED
        else:
            s["control_ended"][i] = PAUSED if holds(plan, s, control.pause) else ON


def holds(plan: Plan, s: State, condition: Expression | None) -> bool:
    """Whether a condition over measures is true now; `_check_conditions` has seen its names."""
    if condition is None:
        return False
    value = look_up(plan, s)
    return bool(evaluate(condition, lambda name: value(name.text)))


def _check_conditions(run: Assembled, s: State) -> None:
    """Refuse conditions that cannot be judged, before anything is kept.

    Raises:
        InputError: One names a measure that this run does not have.
    """
    until = run.scenario.prepare.until
    found = [(run.scenario.where("prepare.until"), until.tree)] if until else []
    for c in run.plan.controls:
        found += [(c.label, tree) for tree in (c.until, c.pause, c.resume) if tree is not None]
    columns = measure(run.plan, s) if found else {}
    for where, tree in found:
        for name in names(tree):
            if name.text not in columns:
                raise InputError(
                    f"'{name.text}' is not a measure of this run.",
                    where,
                    "Use a measure of something that the run has in it.",
                )


def sample(plan: Plan, s: State, store: Store, named: tuple[str, ...] = ()) -> None:
    """Append the table's row, the cells and the fields of this moment."""
    first = len(plan.model.factors)
    nodes = s["signals"][first : first + len(plan.nodes), : s.n]
    names = ("x", "y", "z", "type", "state", "key", "parent", "clone", "phase", "radius")
    cells = {name: s.live(name).copy() for name in (*names, "stemness", "damage")}
    cells["nodes"] = nodes.copy()
    cells |= {f"vessel.{name}": values for name, values in lined(s, plan.trait("lining")).items()}
    for name, column in RECORDED.items():
        cells[column] = s.live(name).copy()
    cells["extra.oxygen"] = s["signals"][plan.signals["oxygen"], : s.n].copy()
    fields = {name: s["fields"][f] for f, name in enumerate(plan.factors.names)}
    maps = {name: s[name].reshape(plan.grid.shape) for name in MAPS}
    row = measure(plan, s) | dict(assays(plan, s, named))
    store.append_sample(seconds(s), row, cells, fields | maps)


def _keep(store: Store, s: State) -> None:
    """Write a checkpoint of this moment."""
    store.write_checkpoint(seconds(s), _pack(s))
