"""The same ball of tissue in PhysiCell's algorithms and in stemniche, in turn, on one thread.

    pip install pyphysicell    # for this comparison only: a reimplementation of PhysiCell 1.14.2
    python benchmarks/versus_pyphysicell.py [--cells 100000] [--minutes 6] [--peer-python PATH]

`pyphysicell` may live in another environment, whose interpreter ``--peer-python`` names. The tissue
is that of ``stemniche.bench.ball``: positions, radii, types, pair forces, oxygen uptake, release
and twenty rules are handed over; signals and behaviours that the other program lacks are replaced
by the nearest it has. Each program runs in a process of its own, from the same start; CPU time is
that of the simulated minutes alone, kernels being compiled before.

Printed: CPU time per simulated hour of pyphysicell, of stemniche with the other's steps (mechanics
0.1 min, fields 0.01 min) and with its own; whether the outcome agrees in the first two (live cells,
radius of the ball, oxygen by distance from the middle); and the ratios, the peer's time divided by
1.3, as compiled PhysiCell is that much faster than pyphysicell. Exit code 1 if outcomes differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

COMPILED = 1.3
"""How much slower pyphysicell is than compiled PhysiCell."""

LIMITS = {"live cells": 0.02, "radius": 0.01, "oxygen": 0.02}
"""Relative differences within which outcomes agree; oxygen in shares of its level outside."""

BEHAVIOURS = {
    "cycle_rate": "cycle entry",
    "necrosis_rate": "necrosis",
    "apoptosis_rate": "apoptosis",
    "migration_speed": "migration speed",
    "phagocytosis_rate": "phagocytose necrotic cell",
    "kill_rate": "attack differentiated",
    "symmetric_probability": "migration persistence time",
}
SIGNALS = {"crowding": "pressure"}
MOLECULES = 0.602214076
"""Per um^3 of a 1 nM solution."""


def main() -> None:
    """Run the three and print the comparison."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--cells", type=int, default=100_000)
    options.add_argument("--minutes", type=float, default=6.0, help="simulated, multiple of 6")
    options.add_argument("--peer-python", default=sys.executable)
    options.add_argument("--side", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        name, folder = chosen.side
        side = peer if name == "peer" else ours
        found = side(Path(folder), chosen.minutes, own_steps=name == "own")
        (Path(folder) / f"{name}.json").write_text(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        hand_over(folder, chosen.cells)
        results = {
            name: child(name, folder, chosen.minutes, python)
            for name, python in (
                ("peer", chosen.peer_python),
                ("same", sys.executable),
                ("own", sys.executable),
            )
        }
    compare(results, chosen.minutes)


def child(name: str, folder: Path, minutes: float, python: str) -> dict[str, Any]:
    """Run one side in a process of its own, on one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PHYSICELL_THREADS"), "1")
    command = [python, __file__, "--minutes", str(minutes), "--side", name, str(folder)]
    if subprocess.run(command, env=os.environ | one, check=False).returncode:
        sys.exit(f"{name} failed; is pyphysicell installed? pip install pyphysicell")
    return dict(json.loads((folder / f"{name}.json").read_text()))


def hand_over(folder: Path, cells: int) -> None:
    """Write the ball's cells and numbers to files that both sides read."""
    from stemniche.bench.ball import ball, read_ball

    plan, state, _ = ball(cells, 1)
    traits = {t.id: t.traits for t in plan.cell_types}
    np.savez(
        folder / "cells.npz",
        position=np.stack([state.live(axis) for axis in "xyz"], axis=1),
        kind=state.live("type"),
    )
    numbers = {
        "cells": cells,
        "size": plan.grid.size[0],
        "spacing": plan.grid.spacing,
        "types": list(plan.types.names),
        "traits": traits,
        "adhesion_reach": plan.parameter("mechanics.adhesion_reach"),
        "factors": [
            {"id": f.id, "diffusivity": f.diffusivity, "decay": f.decay, "outside": f.baseline}
            for f in plan.factor_data
        ],
        "given": read_ball(),
    }
    (folder / "ball.json").write_text(json.dumps(numbers))


def ours(folder: Path, minutes: float, *, own_steps: bool) -> dict[str, Any]:
    """Run stemniche; the first tick compiles and is not timed, and is repeated from the start."""
    from stemniche.bench.ball import ball
    from stemniche.engine.process import TICK_MIN
    from stemniche.engine.step import advance

    cells = json.loads((folder / "ball.json").read_text())["cells"]
    plan, state, k = ball(cells, 1, peer=not own_steps)
    advance(plan, state, k)
    plan, state, k = ball(cells, 1, peer=not own_steps)
    begin = time.process_time()
    for _ in range(round(minutes / TICK_MIN)):
        advance(plan, state, k)
    spent = time.process_time() - begin
    position = np.stack([state.live(axis) for axis in "xyz"], axis=1)
    oxygen = state["fields"][plan.factors["oxygen"]]
    return outcome(spent, position, state.live("state") == 0, oxygen, plan.grid.spacing)


def peer(folder: Path, minutes: float, *, own_steps: bool) -> dict[str, Any]:
    """Run pyphysicell."""
    import pyphysicell as pc

    numbers = json.loads((folder / "ball.json").read_text())
    cells = np.load(folder / "cells.npz")
    half = 0.5 * numbers["size"]
    sim = pc.Simulation(peer_model(pc, numbers), seed=1)
    for i, name in enumerate(numbers["types"]):
        sim.add_cells(cells["position"][cells["kind"] == i].astype(float) - half, name)
    begin = time.process_time()
    sim.run(until=minutes)
    spent = time.process_time() - begin
    me, c = sim.microenvironment, sim.cells
    n = me.nx, me.ny, me.nz
    density = np.asarray(me.density)[..., 0].reshape(-1)
    oxygen = density.reshape(n[2], n[1], n[0])
    return outcome(
        spent, np.array(c.position[: c.n]) + half, c.view("dead") == 0, oxygen, numbers["spacing"]
    )


def peer_model(pc: Any, numbers: dict[str, Any]) -> Any:
    """The ball as pyphysicell describes a model."""
    half, given, spacing = 0.5 * numbers["size"], numbers["given"], numbers["spacing"]
    box = {
        f"{axis}_{end}": sign * half for axis in "xyz" for end, sign in (("min", -1), ("max", 1))
    }
    names = numbers["types"]
    substrates = [
        pc.Substrate(
            name=f["id"],
            diffusion_coefficient=f["diffusivity"],
            decay_rate=f["decay"],
            initial_condition=f["outside"],
            dirichlet_enabled=True,
            dirichlet_value=f["outside"],
            dirichlet_faces={
                axis + end: (True, f["outside"]) for axis in "xyz" for end in ("min", "max")
            },
        )
        for f in numbers["factors"]
    ]
    types = [peer_type(pc, i, name, numbers) for i, name in enumerate(names)]
    rules = []
    for cell, signal, behaviour, fold, middle, power in given["rules"]:
        base = numbers["traits"][cell].get(behaviour, 0.0)
        if behaviour == "symmetric_probability":
            base = numbers["traits"][cell]["persistence"]
        rules.append(
            pc.Rule(
                cell_type=cell,
                signal=SIGNALS.get(signal, signal),
                direction="increases" if fold > 1.0 else "decreases",
                behavior=BEHAVIOURS[behaviour],
                max_response=base * fold,
                half_max=middle,
                hill_power=power,
            )
        )
    return pc.Model(
        domain=pc.Domain(dx=spacing, dy=spacing, dz=spacing, use_2D=False, **box),
        time=pc.Time(dt_diffusion=0.01, dt_mechanics=0.1, dt_phenotype=6.0),
        substrates=substrates,
        cell_types=types,
        rules=rules,
        omp_num_threads=1,
    )


def peer_type(pc: Any, number: int, name: str, numbers: dict[str, Any]) -> Any:
    """One cell type as pyphysicell describes it."""
    traits, given = numbers["traits"][name], numbers["given"]
    speed = traits["migration_speed"]
    release = {cell: (factor, rate) for cell, factor, rate in given["secretion"]}
    secretion = {"oxygen": pc.SecretionEntry(uptake_rate=given["oxygen"]["uptake"])}
    if name in release:
        factor, rate = release[name]
        secretion[factor] = pc.SecretionEntry(net_export_rate=rate / MOLECULES)
    cues = {key.partition(".")[2]: v for key, v in traits.items() if key.startswith("chemotaxis.")}
    kill = traits.get("kill_rate", 0.0)
    return pc.CellType(
        name=name,
        ID=number,
        cycle=pc.Cycle(
            code=6,  # G0/G1, S, G2, M
            transition_rates={
                (0, 1): traits["cycle_rate"],
                (1, 2): 1.0 / traits["s_duration"],
                (2, 3): 2.0 / traits["g2m_duration"],
                (3, 0): 2.0 / traits["g2m_duration"],
            },
            fixed_duration={(1, 2): True, (2, 3): True, (3, 0): True},
        ),
        deaths={
            kind: pc.DeathModel(code=code, name=kind, death_rate=traits[f"{kind}_rate"])
            for kind, code in (("apoptosis", 100), ("necrosis", 101))
        },
        volume=pc.Volume(total=traits["volume"], nuclear=0.2165 * traits["volume"]),
        mechanics=pc.Mechanics(
            cell_cell_adhesion_strength=traits["adhesion"],
            cell_cell_repulsion_strength=traits["repulsion"],
            relative_maximum_adhesion_distance=numbers["adhesion_reach"],
        ),
        motility=pc.Motility(
            enabled=speed > 0.0,
            speed=speed,
            persistence_time=traits["persistence"],
            migration_bias=traits["migration_bias"],
            advanced_chemotaxis=True,
            sensitivities=cues,
        ),
        secretion=secretion,
        interactions=pc.Interactions(
            necrotic_phagocytosis_rate=traits.get("phagocytosis_rate", 0.0),
            attack_rates=dict.fromkeys(("CSC", "progenitor", "differentiated"), kill)
            if kill
            else {},
        ),
    )


def outcome(
    spent: float,
    position: np.ndarray[Any, Any],
    alive: np.ndarray[Any, Any],
    oxygen: np.ndarray[Any, Any],
    spacing: float,
) -> dict[str, Any]:
    """What is compared: CPU time, live cells, the ball's radius, oxygen by distance."""
    middle = position.mean(axis=0)
    radius = float(np.sqrt(((position - middle) ** 2).sum(axis=1).mean() * 5.0 / 3.0))
    axes = np.meshgrid(
        *((np.arange(count) + 0.5) * spacing - 0.5 * count * spacing for count in oxygen.shape)
    )
    shell = (np.sqrt(sum(a**2 for a in axes)) / 40.0).astype(int).ravel()
    level = np.bincount(shell, oxygen.ravel()) / np.maximum(np.bincount(shell), 1)
    return {
        "spent": spent,
        "live cells": int(alive.sum()),
        "radius": radius,
        "oxygen": level[:12].tolist(),
    }


def compare(results: dict[str, dict[str, Any]], minutes: float) -> None:
    """Print costs, agreement and ratios."""
    labels = {
        "peer": "pyphysicell",
        "same": "stemniche, the other's steps",
        "own": "stemniche, its own steps",
    }
    hour = {name: r["spent"] * 60.0 / minutes for name, r in results.items()}
    for name, label in labels.items():
        r = results[name]
        print(f"{label:30} {hour[name]:9.2f} s of CPU per simulated hour")
        inner, outer = r["oxygen"][0], r["oxygen"][-1]
        print(
            f"{'':30} {r['live cells']} live cells, radius {r['radius']:.1f} um, "
            f"oxygen {inner:.2f} to {outer:.2f} mmHg"
        )
    a, b = results["peer"], results["same"]
    outside = max(a["oxygen"])
    gaps = {
        "live cells": abs(a["live cells"] / b["live cells"] - 1.0),
        "radius": abs(a["radius"] / b["radius"] - 1.0),
        "oxygen": float(np.abs(np.subtract(a["oxygen"], b["oxygen"])).max()) / outside,
    }
    for name, gap in gaps.items():
        verdict = "agrees" if gap <= LIMITS[name] else "DIFFERS"
        print(f"{name:30} {verdict}: {100 * gap:.2f} %, limit {100 * LIMITS[name]:g} %")
    for name in ("same", "own"):
        print(f"{labels[name]:30} {hour['peer'] / COMPILED / hour[name]:9.1f} times less CPU time")
    if any(gap > LIMITS[name] for name, gap in gaps.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
