"""`ecodecide solve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli.lines import wrapped
from ecodecide.cli.long_work import require_writable, spinner

if TYPE_CHECKING:
    from ecodecide.decision.finite_pomdp import FinitePomdp
    from ecodecide.policy.alpha_vectors import AlphaVectors
    from ecodecide.solvers.pomdp.finite import FiniteSolution

_CLASSES = 5
"""Of how many visible classes the first action is printed; --json has them all."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--gap",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, max_open=True),
    help="Gap between bounds at which to stop, as a share of the larger.",
)
@click.option(
    "--seconds",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.0, min_open=True),
    help="Stop after this time, wherever the bounds are.",
)
@click.option(
    "--iterations",
    type=click.IntRange(0),
    help="Stop after this many walks: the same result on every machine. [default: no limit]",
)
@click.option(
    "--memory",
    default=400.0,
    show_default=True,
    metavar="MB",
    type=click.FloatRange(0.0, min_open=True),
    help="Megabytes for the search.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the policy: .policyx or .policy (APPL), .alpha (pomdp-solve).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes: the result alone.")
def solve(
    file: Path,
    gap: float,
    seconds: float,
    iterations: int | None,
    memory: float,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve the POMDP in FILE and write its policy.

    FILE is a .pomdp (pomdp-solve) or .pomdpx (APPL) file. A search that is stopped before it reaches the gap has a
    policy and bounds all the same, and its status says so.
    """
    from ecodecide.errors import FormatError
    from ecodecide.interop.files import read_pomdp, write_alpha_vectors

    _check_usage(gap, seconds, memory, output)
    pomdp = read_pomdp(file)
    with spinner(f"solve {file.name}", quiet):
        # numba takes its time to load: not before the file is known to be good
        from ecodecide.solvers.pomdp.finite import solve_finite

        solution = solve_finite(pomdp, gap=gap, seconds=seconds, iterations=iterations, memory=memory)
    # neither a full disk nor a reader that closes the pipe costs the other half of the result
    unsaved = None
    if output is not None:
        try:
            write_alpha_vectors(solution.policy, output)
        except FormatError as problem:
            unsaved = problem
    found = _summary(file, pomdp, solution, None if unsaved else output)
    click.echo(json.dumps(found, indent=2, allow_nan=False) if as_json else _text(found))
    if unsaved is not None:
        raise unsaved
    if output is not None and not quiet:
        click.echo(f"saved {output}", err=True)


def _check_usage(gap: float, seconds: float, memory: float, output: Path | None) -> None:
    """Refuse what is wrong before any long work begins."""
    from ecodecide.interop.files import POLICY_SUFFIXES

    for option, value in (("--gap", gap), ("--seconds", seconds), ("--memory", memory)):
        if not -float("inf") < value < float("inf"):
            raise click.BadParameter(f"{value} is not a finite number", param_hint=option)
    require_writable(output, POLICY_SUFFIXES)


def _summary(file: Path, pomdp: FinitePomdp, solution: FiniteSolution, output: Path | None) -> dict[str, Any]:
    from ecodecide import __version__

    return {
        "file": str(file),
        "states": pomdp.states,
        "actions": pomdp.actions,
        "observations": pomdp.observations,
        "visible_classes": len(pomdp.members),
        "discount": float(pomdp.discount),
        "lower": float(solution.lower),
        "upper": float(solution.upper),
        "gap": float(solution.gap),
        "status": solution.status,
        "converged": bool(solution.converged),
        "iterations": int(solution.iterations),
        "seconds": float(solution.seconds),
        "vectors": len(solution.policy.actions),
        "first_action": _first_action(pomdp, solution.policy),
        "policy": None if output is None else str(output),
        "settings": dict(solution.settings),
        "ecodecide_version": __version__,
    }


def _first_action(pomdp: FinitePomdp, policy: AlphaVectors) -> str | dict[str, str]:
    """Return the name of the first action, or one for each visible class that the problem may begin in."""
    import numpy as np

    classes = np.unique(pomdp.visible[pomdp.initial > 0.0]).tolist()
    found = {}
    for c in classes:
        belief = np.where(pomdp.visible == c, pomdp.initial, 0.0)
        found[str(c)] = pomdp.action_names[policy.best(belief / belief.sum())[0]]
    return found[str(classes[0])] if len(classes) == 1 else found


def _text(found: dict[str, Any]) -> str:
    classes = found["visible_classes"]
    seen = f", {classes} visible classes" if classes > 1 else ""
    first = found["first_action"]
    if isinstance(first, dict):
        shown = [f"{action} in class {c}" for c, action in first.items()]
        first = ", ".join(shown[:_CLASSES]) + (", ..." if len(shown) > _CLASSES else "")
    rows = {
        "states": f"{found['states']}{seen}",
        "actions": found["actions"],
        "observations": found["observations"],
        "lower bound": f"{found['lower']:.6g}",
        "upper bound": f"{found['upper']:.6g}",
        "gap": f"{found['gap']:.2%}",
        "status": found["status"],
        "seconds": f"{found['seconds']:.1f}",
        "iterations": found["iterations"],
        "vectors": found["vectors"],
        "first action": first,
        "policy": found["policy"] or "not written (see --output)",
    }
    return "\n".join(wrapped(f"{name + ':':<14}{value}") for name, value in rows.items())
