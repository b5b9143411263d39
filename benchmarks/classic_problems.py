"""The classic problems of the POMDP field, written anew from their published definitions.

Solvers are compared on these four. Every generator says where its numbers come from, and what it chose where
published versions differ. All are discounted by .95.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import ProblemError

Floats = np.ndarray[Any, np.dtype[np.float64]]
Indices = np.ndarray[Any, np.dtype[np.intp]]
Cell = tuple[int, int]

DISCOUNT = 0.95


def tiger() -> FinitePomdp:
    """Return the tiger problem: listen at a cost of 1, or open one of two doors (+10, or -100 for the tiger).

    2 states, 3 actions, 2 observations. Listening is right with probability .85; opening a door puts the tiger
    behind either door anew, and what is heard then tells nothing. The start is uniform.

    Returns
    -------
    FinitePomdp

    References
    ----------
    Cassandra, Kaelbling & Littman 1994, AAAI-94, 1023; Kaelbling, Littman & Cassandra 1998, Artificial
    Intelligence 101:99. The file in circulation agrees with the papers.

    Examples
    --------
    >>> problem = tiger()
    >>> problem.states, problem.actions, problem.observations
    (2, 3, 2)
    """
    reset = np.full((2, 2), 0.5)
    heard = np.array([[0.85, 0.15], [0.15, 0.85]])
    return FinitePomdp(
        transition=(csr_array(np.eye(2)), csr_array(reset), csr_array(reset)),
        observation=(csr_array(heard), csr_array(reset), csr_array(reset)),
        reward=np.array([[-1.0, -100.0, 10.0], [-1.0, 10.0, -100.0]]),
        discount=DISCOUNT,
        initial=np.array([0.5, 0.5]),
        state_names=("tiger-left", "tiger-right"),
        action_names=("listen", "open-left", "open-right"),
        observation_names=("hear-left", "hear-right"),
    )


# --- hallway ---

_ALCOVES = (2, 4, 6, 8)
_STEPS: tuple[Cell, ...] = ((0, 1), (1, 0), (0, -1), (-1, 0))
"""North, east, south, west, as steps (x, y) with y growing to the north."""

_TURNS = {
    "turn-right": (0.1, 0.7, 0.1, 0.1),
    "turn-around": (0.1, 0.15, 0.6, 0.15),
    "turn-left": (0.1, 0.1, 0.1, 0.7),
}
"""Probability that the facing changes by 0, 1, 2, 3 quarter turns to the right."""

_WALL_SEEN, _WALL_IMAGINED = 0.9, 0.05


def hallway() -> FinitePomdp:
    """Return the hallway: a robot that feels the walls around it looks for one of four alcoves.

    The map is a corridor of 11 cells from west to east with an alcove south of cells 2, 4, 6 and 8, the last of
    which is the goal: 15 cells times 4 facings = 60 states, numbered 4 cell + facing with facings north, east,
    south, west and the goal at 56 to 59. 5 actions, 21 observations.

    - Reaching the goal earns 1; from there every action leads to one of the other 56 states, uniformly, which
      is also the start.
    - "forward" goes forward with .8, to the right, to the left and backward with .05 each, and nowhere with .05;
      the robot then faces the way it went, except that after going backward it faces either way with
      .5. Where there is a wall it stays as it was.
    - "turn-right" and "turn-left" succeed with .7 and end in each of the other facings with .1; "turn-around"
      succeeds with .6, turns to either side with .15 each and fails with .1. "stay" is sure.
    - Each of the four sides is felt apart: a wall with .9 where there is one, with .05 where there is none.
      Observations 0 to 15 are 8 front + 4 right + 2 back + left. The robot facing south in cells 2, 4, 6, 8
      sees a landmark of that cell (16 to 19), and the goal is its own observation (20).

    Returns
    -------
    FinitePomdp

    Notes
    -----
    The file in circulation cuts the sensor's probabilities off after six decimals and adds what is left to
    observation 15, and starts with .017865 in state 0 and .017857 in the others; here they are the exact
    products, and uniform. Where the literature counts 57 states, the four goal states are one.

    References
    ----------
    Littman, Cassandra & Kaelbling 1995, ICML-95, 362.

    Examples
    --------
    >>> problem = hallway()
    >>> problem.states, problem.actions, problem.observations
    (60, 5, 21)
    """
    cells = [(x, 0) for x in range(11)] + [(x, -1) for x in _ALCOVES]
    goal = len(cells) - 1
    start = np.append(np.full(4 * goal, 1.0 / (4 * goal)), np.zeros(4))
    stay = np.eye(4 * len(cells))
    moves = [stay, _forward(cells), *(_turn(cells, shares) for shares in _TURNS.values())]
    for move in moves:
        move[4 * goal :] = start
    seen = csr_array(_felt(cells))
    return FinitePomdp(
        transition=tuple(csr_array(move) for move in moves),
        observation=(seen,) * len(moves),
        reward=np.stack([move[:, 4 * goal :].sum(axis=1) for move in moves], axis=1),
        discount=DISCOUNT,
        initial=start,
        state_names=tuple(f"{x},{y}-{facing}" for x, y in cells for facing in "nesw"),
        action_names=("stay", "forward", *_TURNS),
    )


def _neighbor(cells: list[Cell], cell: int, heading: int) -> int | None:
    """Return the number of the cell next to one, or None for a wall."""
    (x, y), (dx, dy) = cells[cell], _STEPS[heading]
    return cells.index((x + dx, y + dy)) if (x + dx, y + dy) in cells else None


def _turn(cells: list[Cell], shares: tuple[float, ...]) -> Floats:
    once = [[shares[(after - before) % 4] for after in range(4)] for before in range(4)]
    return np.asarray(np.kron(np.eye(len(cells)), once), dtype=float)


def _forward(cells: list[Cell]) -> Floats:
    moves = np.zeros((4 * len(cells), 4 * len(cells)))
    for cell in range(len(cells)):
        for facing in range(4):
            here = 4 * cell + facing
            moves[here, here] += 0.05
            for turned, share in ((0, 0.8), (1, 0.05), (3, 0.05), (2, 0.05)):
                heading = (facing + turned) % 4
                there = _neighbor(cells, cell, heading)
                if there is None:
                    moves[here, here] += share
                elif turned == 2:
                    moves[here, [4 * there + heading, 4 * there + facing]] += share / 2.0
                else:
                    moves[here, 4 * there + heading] += share
    return moves


def _felt(cells: list[Cell]) -> Floats:
    seen = np.zeros((4 * len(cells), 21))
    for cell, (x, y) in enumerate(cells):
        for facing in range(4):
            row = seen[4 * cell + facing]
            if cell == len(cells) - 1:
                row[20] = 1.0
            elif facing == 2 and y == 0 and x in _ALCOVES:
                row[16 + _ALCOVES.index(x)] = 1.0
            else:
                sides = np.ones(1)
                for turned in range(4):
                    wall = _neighbor(cells, cell, (facing + turned) % 4) is None
                    felt = _WALL_SEEN if wall else _WALL_IMAGINED
                    sides = np.outer(sides, [1.0 - felt, felt]).ravel()
                row[:16] = sides
    return seen


# --- tag ---

_FILE_ROWS = {
    (19, 19): {9: 0.25, 18: 0.25, 19: 0.5},
    (25, 23): {20: 0.2, 23: 0.6, 25: 0.2},
    (27, 27): {24: 1.0 / 6.0, 26: 1.0 / 6.0, 27: 0.5, 28: 1.0 / 6.0},
}
"""Where the file in circulation departs from the rule: (robot, opponent) -> next cells of the opponent."""


def tag(as_file: bool = False) -> FinitePomdp:
    """Return tag: a robot hunts an opponent that it sees only when both are in the same cell.

    29 cells: two rows of ten (y = 0, 1) and above their cells 5 to 7 three rows of three (y = 2, 3, 4), numbered
    row by row. States 30 robot + opponent, opponent 29 being "tagged": 870. 5 actions: north, south, east, west,
    catch.

    - A move is sure, costs 1, and leads nowhere at a wall. At the same time the opponent moves away from where
      the robot was: with .4 along x and with .4 along y; away from a robot in the same column (or row) means
      .2 to either side; where that is a wall it stays, as it does with the remaining .2.
    - "catch" earns 10 in the same cell, and the game is over; elsewhere it costs 10 and nobody moves. Once the
      opponent is tagged nothing changes any more, "catch" is free and a move still costs 1.
    - Robot and opponent start in any of the 29 x 29 pairs of cells, uniformly.

    Parameters
    ----------
    as_file
        False: the position of the robot is visible (29 classes), also when the first action is chosen, and the
        observation is whether the opponent is in the same cell after a move; "catch" shows nothing. Every
        row of the opponent follows the rule. True: the file in circulation to the letter, with nothing visible,
        30 observations (the robot's cell, or that the opponent is in it, in which case the cell is not
        named), nothing observed before the first action, and three rows of the opponent that depart from the
        rule (robot and opponent in cells (19, 19), (25, 23) and (27, 27)).

    Returns
    -------
    FinitePomdp

    Notes
    -----
    Published versions differ. In the paper the opponent moves at every step; in the file, and so here, it stays
    put while "catch" fails. Some later versions give a blocked opponent's probability to its other ways of
    escape, which makes it harder to catch; or fix the start. The robot that starts in a known cell is worth a
    little more at the start than the file's.

    References
    ----------
    Pineau, Gordon & Thrun 2003, IJCAI-03, 1025. Mixed observability: Ong, Png, Hsu & Lee 2010, International
    Journal of Robotics Research 29:1053.

    Examples
    --------
    >>> problem = tag()
    >>> problem.states, problem.actions, problem.observations, len(problem.members)
    (870, 5, 2, 29)
    >>> tag(as_file=True).observations
    30
    """
    cells = [(x, y) for y in (0, 1) for x in range(10)] + [(x, y) for y in (2, 3, 4) for x in (5, 6, 7)]
    n, actions = len(cells), ("north", "south", "east", "west", "catch")
    robot, opponent = np.divmod(np.arange(n * (n + 1)), n + 1)
    met, tagged = robot == opponent, opponent == n
    flight = _flight(cells, _FILE_ROWS if as_file else {})
    transition = [_pursuit(cells, flight, heading) for heading in (0, 2, 1, 3)]
    caught = np.where(met, robot * (n + 1) + n, np.arange(len(robot)))
    transition.append(_deterministic(caught))
    reward = np.full((len(robot), len(actions)), -1.0)
    reward[:, 4] = np.where(tagged, 0.0, np.where(met, 10.0, -10.0))
    if as_file:
        moved, blind = np.eye(n + 1)[np.where(met, n, robot)], np.eye(n + 1)[robot]
    else:
        moved, blind = np.eye(2)[met.astype(int)], np.eye(2)[np.zeros(len(robot), dtype=int)]
    return FinitePomdp(
        transition=tuple(transition),
        observation=(csr_array(moved),) * 4 + (csr_array(blind),),
        reward=reward,
        discount=DISCOUNT,
        initial=np.where(tagged, 0.0, 1.0 / n**2),
        action_names=actions,
        observation_names=(*(str(c) for c in range(n)), "met") if as_file else ("alone", "met"),
        visible=None if as_file else robot,
    )


def _flight(cells: list[Cell], exceptions: dict[tuple[int, int], dict[int, float]]) -> Floats:
    """Return P(next cell of the opponent | cell of the robot, cell of the opponent)."""
    n = len(cells)
    flight = np.zeros((n, n, n))
    for robot, (robot_x, robot_y) in enumerate(cells):
        for opponent, (x, y) in enumerate(cells):
            row = flight[robot, opponent]
            if (robot, opponent) in exceptions:
                row[list(exceptions[robot, opponent])] = list(exceptions[robot, opponent].values())
                continue
            row[opponent] += 0.2
            for gap, forth, back in ((x - robot_x, 1, 3), (y - robot_y, 0, 2)):
                for heading in (forth, back) if gap == 0 else (forth if gap > 0 else back,):
                    there = _neighbor(cells, opponent, heading)
                    row[opponent if there is None else there] += 0.2 if gap == 0 else 0.4
    return flight


def _pursuit(cells: list[Cell], flight: Floats, heading: int) -> csr_array:
    """Return the transition of a move of the robot: its own is sure, the opponent flees, the tagged stay."""
    n = len(cells)
    rows = np.zeros((n, n + 1, n, n + 1))
    for robot in range(n):
        there = _neighbor(cells, robot, heading)
        rows[robot, :n, robot if there is None else there, :n] = flight[robot]
        rows[robot, n, robot, n] = 1.0
    return csr_array(rows.reshape(n * (n + 1), -1))


def _deterministic(after: Indices) -> csr_array:
    """Return the transition in which state s is followed by after[s] for sure."""
    n = len(after)
    return csr_array((np.ones(n), after, np.arange(n + 1)), shape=(n, n))


# --- rock sample ---

_LAYOUTS: dict[tuple[int, int], tuple[float, tuple[Cell, ...]]] = {
    (5, 5): (4.0, ((2, 4), (0, 4), (3, 3), (2, 2), (4, 1))),
    (5, 7): (20.0, ((1, 0), (2, 1), (1, 2), (2, 2), (4, 2), (0, 3), (3, 4))),
    (7, 8): (20.0, ((2, 0), (0, 1), (3, 1), (6, 3), (2, 4), (3, 4), (5, 5), (1, 6))),
}
"""(size, rocks) -> distance at which the sensor's efficiency is one half, and the cells (x, y) of the rocks."""


def rock_sample(size: int = 7, rocks: int = 8) -> FinitePomdp:
    """Return rock sample: a rover looks at rocks from afar, collects the good ones and leaves to the east.

    A square of size x size cells with rocks at known cells, each good or bad with .5. States: a cell (x, y) and a
    type for each rock, numbered (size x + y) 2^rocks + the types in binary with 1 for good and the first rock
    in front, and last the end: 12,545 for RockSample(7, 8). The rover starts at (0, size // 2), y growing to
    the north. Its position is visible (one class per cell, and one for the end).

    - Actions north, east, south, west; check-0, check-1 ...; sample. All are sure and free by themselves.
    - Leaving the square eastward earns 10 and ends the problem.
    - "sample" earns 10 at a good rock and -10 at a bad one, and makes the rock bad. Where there is no rock, it
      costs 100 and ends the problem, and so does leaving the square to the other sides.
    - "check-i" is right with (1 + 2^(-d/d0)) / 2, d being the Euclidean distance to rock i and d0 = 20
      (4 in RockSample(5, 5)). Every other action is answered "good".

    Parameters
    ----------
    size, rocks
        (5, 5), (5, 7) or (7, 8): the rocks lie where the authors' own generators put them.

    Returns
    -------
    FinitePomdp

    Raises
    ------
    ProblemError
        For a layout that was not published with those generators.

    Notes
    -----
    Published versions differ. In many, what is not allowed here is free and does nothing, which
    leaves the best policy as it is; some have a third observation "none", or a sensor with e^(-d/d0), which is
    less efficient. Without the visible position, ``dataclasses.replace(problem, visible=None)`` is
    the authors' file: the rover knows where it is, because it starts at a known cell and moves for sure.

    References
    ----------
    Smith & Simmons 2004, UAI-04, 520, and the generators of their solver ZMDP.

    Examples
    --------
    >>> problem = rock_sample(7, 8)
    >>> problem.states, problem.actions, problem.observations, len(problem.members)
    (12545, 13, 2, 50)
    """
    if (size, rocks) not in _LAYOUTS:
        raise ProblemError(
            f"rock_sample: (size, rocks) must be one of {sorted(_LAYOUTS)}, got {(size, rocks)}"
        )
    half_distance, where = _LAYOUTS[size, rocks]
    end, types = size**2 * 2**rocks, 2**rocks
    cell, kind = np.divmod(np.arange(end), types)
    x, y = np.divmod(cell, size)
    results = [_drive(x, y, kind, step, size, types) for step in _STEPS]
    results += [(np.arange(end), np.zeros(end))] * rocks
    results.append(_sample(x, y, kind, where))
    nothing = csr_array(
        (np.ones(end + 1), np.zeros(end + 1, dtype=int), np.arange(end + 2)), shape=(end + 1, 2)
    )
    looks = [_look(x, y, (kind >> (rocks - 1 - i)) & 1, rock, half_distance) for i, rock in enumerate(where)]
    initial = np.zeros(end + 1)
    initial[(size // 2) * types : (size // 2 + 1) * types] = 1.0 / types
    return FinitePomdp(
        transition=tuple(_deterministic(np.append(after, end)) for after, _ in results),
        observation=(nothing,) * 4 + tuple(looks) + (nothing,),
        reward=np.stack([np.append(earned, 0.0) for _, earned in results], axis=1),
        discount=DISCOUNT,
        initial=initial,
        action_names=("north", "east", "south", "west", *(f"check-{i}" for i in range(rocks)), "sample"),
        observation_names=("good", "bad"),
        visible=np.append(cell, size**2),
    )


def _drive(
    x: Indices, y: Indices, kind: Indices, step: Cell, size: int, types: int
) -> tuple[Indices, Floats]:
    """Return the next state and the reward of a step, for each state but the end."""
    there_x, there_y = x + step[0], y + step[1]
    inside = (there_x >= 0) & (there_x < size) & (there_y >= 0) & (there_y < size)
    after = np.where(inside, (size * there_x + there_y) * types + kind, size**2 * types)
    return after, np.where(inside, 0.0, np.where(there_x == size, 10.0, -100.0))


def _sample(x: Indices, y: Indices, kind: Indices, where: tuple[Cell, ...]) -> tuple[Indices, Floats]:
    """Return the next state and the reward of "sample", for each state but the end."""
    after, earned = np.full(len(x), len(x)), np.full(len(x), -100.0)
    for i, (rock_x, rock_y) in enumerate(where):
        here = np.flatnonzero((x == rock_x) & (y == rock_y))
        bit = 1 << (len(where) - 1 - i)
        good = (kind[here] & bit) > 0
        after[here], earned[here] = here - np.where(good, bit, 0), np.where(good, 10.0, -10.0)
    return after, earned


def _look(x: Indices, y: Indices, good: Indices, rock: Cell, half_distance: float) -> csr_array:
    """Return the observation of a check of one rock, with the end last."""
    right = 0.5 + 0.5 * 2.0 ** (-np.hypot(x - rock[0], y - rock[1]) / half_distance)
    said_good = np.append(np.where(good == 1, right, 1.0 - right), 1.0)
    return csr_array(np.stack([said_good, 1.0 - said_good], axis=1))
