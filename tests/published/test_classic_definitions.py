"""The generators of the field's classic problems agree with what was published of them.

Figures are copied from the papers and from the files in circulation (the file formats number states and
observations as the generators do), or are worked out by hand.
"""

from dataclasses import replace

import numpy as np
import pytest
from classic_problems import hallway, rock_sample, tag, tiger

from ecodecide.errors import ProblemError

ROUNDED = 1.01e-6  # the files print six decimals, and cut off what follows


def blind(problem, actions, cycle=False):
    """The value of each state under fixed actions, the last of which (or all, with cycle) is repeated."""
    value = np.zeros(problem.states)
    ahead = list(actions) if cycle else [actions[-1]]
    # .95^1000 is 5e-23: of a reward of 100 for ever nothing is left
    for action in (ahead * (1000 // len(ahead)))[::-1] + list(actions)[::-1]:
        value = problem.reward[:, action] + problem.discount * (problem.transition[action] @ value)
    return value


def row(array, i):
    """The positive entries of a row."""
    dense = array[[i], :].toarray().ravel()
    return {int(j): float(dense[j]) for j in np.flatnonzero(dense)}


# --- tiger ---


def test_tiger():
    problem = tiger()
    assert (problem.states, problem.actions, problem.observations) == (2, 3, 2)
    assert problem.discount == 0.95
    assert problem.observation[0].toarray() == pytest.approx(np.array([[0.85, 0.15], [0.15, 0.85]]))
    assert blind(problem, [0]) == pytest.approx([-20.0, -20.0])  # listening for ever: -1 / (1 - .95)
    # opening either door for ever: an expected (10 - 100) / 2 a step, from the uniform belief
    assert problem.initial @ blind(problem, [1]) == pytest.approx(-45.0 * 20.0)
    assert problem.initial @ blind(problem, [2]) == pytest.approx(-45.0 * 20.0)


# --- hallway ---


def test_hallway_counts():
    problem = hallway()
    assert (problem.states, problem.actions, problem.observations) == (60, 5, 21)
    assert problem.discount == 0.95
    assert problem.initial[[0, 55, 56]] == pytest.approx([1 / 56, 1 / 56, 0.0])


@pytest.mark.parametrize(
    ("action", "state", "expected"),
    [
        (0, 17, {17: 1.0}),
        (1, 0, {5: 0.05, 0: 0.95}),  # the western end, facing the northern wall
        (1, 3, {5: 0.025, 7: 0.025, 3: 0.95}),  # facing the western wall: backward is east
        (1, 5, {9: 0.8, 1: 0.025, 3: 0.025, 5: 0.15}),
        (1, 8, {13: 0.05, 44: 0.025, 46: 0.025, 7: 0.05, 8: 0.85}),  # at the first alcove, facing north
        (1, 10, {13: 0.05, 46: 0.8, 7: 0.05, 10: 0.1}),
        (1, 27, {29: 0.025, 31: 0.025, 54: 0.05, 23: 0.8, 27: 0.1}),
        (1, 32, {37: 0.05, 56: 0.025, 58: 0.025, 31: 0.05, 32: 0.85}),  # into the goal, backward
        (1, 43, {39: 0.8, 43: 0.2}),
        (1, 50, {16: 0.025, 18: 0.025, 50: 0.95}),
        (1, 52, {24: 0.8, 52: 0.2}),
        (2, 0, {0: 0.1, 1: 0.7, 2: 0.1, 3: 0.1}),
        (3, 1, {0: 0.15, 1: 0.1, 2: 0.15, 3: 0.6}),
        (4, 38, {36: 0.1, 37: 0.7, 38: 0.1, 39: 0.1}),
    ],
)
def test_hallway_moves(action, state, expected):
    assert row(hallway().transition[action], state) == pytest.approx(expected)


def test_hallway_senses():
    """Rows 0, 4, 8, 9 of the file, in full."""
    seen = hallway().observation[1].toarray()
    published = {
        0: ".000949 .008549 .008549 .076949 .000049 .000449 .000449 .004049 "
        ".008549 .076949 .076949 .692550 .000449 .004049 .004049 .036464",
        4: ".009024 .000474 .081225 .004275 .000474 .000024 .004275 .000225 "
        ".081225 .004275 .731024 .038475 .004275 .000225 .038475 .002030",
        8: ".085737 .004512 .004512 .000237 .004512 .000237 .000237 .000012 "
        ".771637 .040612 .040612 .002137 .040612 .002137 .002137 .000120",
        9: ".085737 .771637 .004512 .040612 .004512 .040612 .000237 .002137 "
        ".004512 .040612 .000237 .002137 .000237 .002137 .000012 .000120",
    }
    for state, printed in published.items():
        expected = np.array(printed.split(), dtype=float)
        assert seen[state, :15] == pytest.approx(expected[:15], abs=ROUNDED)
        assert seen[state, 15] == pytest.approx(expected[15], abs=15 * ROUNDED)  # takes what the others lose
    same = {1: 44, 2: 40, 3: 41, 0: 42, 45: 49, 51: 55}  # the ends of the corridor and of the alcoves
    for state, twin in same.items():
        assert seen[state] == pytest.approx(seen[twin])
    landmarks = {10: 16, 18: 17, 26: 18, 34: 19, 56: 20, 57: 20, 58: 20, 59: 20}
    assert {state: int(seen[state].argmax()) for state in landmarks} == landmarks
    assert [seen[state].max() for state in landmarks] == [1.0] * 8


def test_hallway_rewards():
    problem = hallway()
    reward = problem.reward[:, 1]
    assert {int(s): float(reward[s]) for s in np.flatnonzero(reward)} == pytest.approx(
        {32: 0.05, 33: 0.05, 34: 0.8, 35: 0.05}
    )
    assert not problem.reward[:, [0, 2, 3, 4]].any()
    for move in problem.transition:
        assert move[[58], :].toarray().ravel() == pytest.approx(problem.initial)


# --- tag ---


def test_tag_counts():
    problem = tag()
    assert (problem.states, problem.actions, problem.observations) == (870, 5, 2)
    assert [len(states) for states in problem.members] == [30] * 29
    assert (tag(as_file=True).observations, len(tag(as_file=True).members)) == (30, 1)
    assert problem.initial.max() == pytest.approx(0.00118906, abs=1e-8)  # as the file prints it
    assert problem.initial.reshape(29, 30)[:, 29].max() == 0.0


@pytest.mark.parametrize(
    ("action", "state", "expected"),
    [
        (0, 15, {316: 0.4, 320: 0.4, 315: 0.2}),  # the example in the paper
        (0, 0, {300: 0.6, 301: 0.2, 310: 0.2}),
        (0, 31, {330: 0.2, 331: 0.4, 332: 0.2, 341: 0.2}),
        (0, 19, {319: 1.0}),
        (0, 29, {29: 1.0}),
        (0, 465, {605: 0.2, 614: 0.2, 615: 0.2, 616: 0.2, 620: 0.2}),
        (0, 774, {861: 0.2, 863: 0.4, 864: 0.2, 867: 0.2}),
        (0, 868, {865: 0.2, 867: 0.2, 868: 0.6}),  # the robot is at the northern wall
        (1, 826, {726: 0.4, 735: 0.2, 736: 0.2, 737: 0.2}),
        (1, 807, {714: 0.2, 717: 0.4, 718: 0.4}),
        (2, 796, {816: 0.4, 826: 0.2, 827: 0.4}),
        (3, 301, {301: 0.6, 302: 0.4}),  # the robot is at the western wall
        (3, 807, {804: 0.2, 807: 0.4, 808: 0.4}),
        (4, 62, {89: 1.0}),
        (4, 63, {63: 1.0}),  # the opponent does not move
    ],
)
@pytest.mark.parametrize("as_file", [False, True])
def test_tag_moves(as_file, action, state, expected):
    assert row(tag(as_file=as_file).transition[action], state) == pytest.approx(expected)


def test_tag_rows_that_depart_from_the_rule_in_the_file():
    rule, file = tag(), tag(as_file=True)
    printed = {
        589: {579: 0.25, 588: 0.25, 589: 0.5},
        773: {860: 0.2, 863: 0.6, 865: 0.2},
        837: {834: 0.166667, 836: 0.166667, 837: 0.5, 838: 0.166667},
    }
    for state, expected in printed.items():
        assert row(file.transition[0], state) == pytest.approx(expected, abs=ROUNDED)
    for action in range(4):
        differs = np.abs((rule.transition[action] - file.transition[action]).toarray()).max(axis=1) > 1e-12
        assert np.flatnonzero(differs).tolist() == list(printed)


def test_tag_shows_the_opponent_after_a_move_alone():
    file, mixed = tag(as_file=True), tag()
    for action in range(5):
        seen = file.observation[action].toarray().argmax(axis=1)
        assert seen[[1, 29, 30, 869]].tolist() == [0, 0, 1, 28]
        assert seen[[0, 868]].tolist() == ([29, 29] if action < 4 else [0, 28])
        met = mixed.observation[action].toarray().argmax(axis=1)
        assert met[[0, 868]].tolist() == ([1, 1] if action < 4 else [0, 0])
        assert met[[1, 29]].tolist() == [0, 0]


def test_tag_values_of_blind_policies():
    problem = tag()
    assert blind(problem, [1]) == pytest.approx(np.full(870, -20.0))  # a move costs 1, tagged or not
    caught = blind(problem, [4])
    assert caught[[0, 29, 868]] == pytest.approx([10.0, 0.0, 10.0])
    assert caught[1] == pytest.approx(-200.0)  # the opponent stays where it is: -10 for ever
    # 29 of the 841 pairs of cells are a catch
    assert problem.initial @ caught == pytest.approx((10.0 - 28.0 * 200.0) / 29.0)
    # robot and opponent in cell 0, one move west (into the wall), then catch for ever: the opponent is
    # still there with .6
    assert blind(problem, [3, 4])[0] == pytest.approx(-1.0 + 0.95 * (0.6 * 10.0 - 0.4 * 200.0))


# --- rock sample ---


def place(size, rocks, x, y, kind):
    return ((size * x + y) << rocks) + int(kind, 2)


def test_rock_sample_counts():
    problem = rock_sample(7, 8)
    assert (problem.states, problem.actions, problem.observations) == (12545, 13, 2)
    assert sorted(len(states) for states in problem.members) == [1] + [256] * 49
    assert np.flatnonzero(problem.initial).tolist() == list(range(3 * 256, 4 * 256))  # at (0, 3)
    assert np.unique(problem.visible[problem.initial > 0.0]).size == 1
    assert rock_sample(5, 7).states == 5 * 5 * 2**7 + 1
    hidden = replace(problem, visible=None)
    assert (hidden.observations, len(hidden.members)) == (2, 1)


def test_rock_sample_knows_published_layouts_alone():
    with pytest.raises(ProblemError, match=r"one of \[\(5, 5\), \(5, 7\), \(7, 8\)\], got \(7, 7\)"):
        rock_sample(7, 7)


def test_rock_sample_lies_where_it_was_published():
    """Sampling does not end the problem at the rocks alone."""
    problem = rock_sample(7, 8)
    assert problem.action_names[12] == "sample"
    at_bad_rock = np.flatnonzero(problem.reward[:12544:256, 12] == -10.0)
    found = {(int(c // 7), int(c % 7)) for c in at_bad_rock}
    assert found == {(2, 0), (0, 1), (3, 1), (6, 3), (2, 4), (3, 4), (5, 5), (1, 6)}


def test_rock_sample_actions():
    problem = rock_sample(7, 8)
    end = 12544

    def step(action, x, y, kind):
        state = place(7, 8, x, y, kind)
        return row(problem.transition[action], state), float(problem.reward[state, action])

    north, east, south, west, sample = 0, 1, 2, 3, 12
    assert step(north, 0, 3, "10100000") == ({place(7, 8, 0, 4, "10100000"): 1.0}, 0.0)
    assert step(east, 0, 3, "10100000") == ({place(7, 8, 1, 3, "10100000"): 1.0}, 0.0)
    assert step(south, 0, 3, "10100000") == ({place(7, 8, 0, 2, "10100000"): 1.0}, 0.0)
    assert step(west, 1, 3, "10100000") == ({place(7, 8, 0, 3, "10100000"): 1.0}, 0.0)
    assert step(east, 6, 2, "11111111") == ({end: 1.0}, 10.0)
    assert step(west, 0, 3, "00000000") == ({end: 1.0}, -100.0)
    assert step(north, 2, 6, "00000000") == ({end: 1.0}, -100.0)
    assert step(south, 2, 0, "00000000") == ({end: 1.0}, -100.0)
    # rock 0 is at (2, 0), rock 5 at (3, 4), the first bit is that of rock 0
    assert step(sample, 2, 0, "10000001") == ({place(7, 8, 2, 0, "00000001"): 1.0}, 10.0)
    assert step(sample, 2, 0, "01111111") == ({place(7, 8, 2, 0, "01111111"): 1.0}, -10.0)
    assert step(sample, 3, 4, "11111111") == ({place(7, 8, 3, 4, "11111011"): 1.0}, 10.0)
    assert step(sample, 0, 3, "11111111") == ({end: 1.0}, -100.0)
    for action in range(13):
        assert row(problem.transition[action], end) == {end: 1.0}
        assert problem.reward[end, action] == 0.0
        assert row(problem.observation[action], end) == {0: 1.0}


def test_rock_sample_sensor():
    problem = rock_sample(7, 8)

    def good(rock, x, y, kind):
        return problem.observation[4 + rock].toarray()[place(7, 8, x, y, kind), 0]

    assert good(0, 2, 0, "10000000") == 1.0  # on the rock
    assert good(0, 2, 0, "01111111") == 0.0
    # rock 3 at (6, 3), 6 cells away: efficiency 2^(-.3) = .8123
    assert good(3, 0, 3, "00010000") == pytest.approx(0.90613, abs=1e-5)
    assert good(3, 0, 3, "11101111") == pytest.approx(0.09387, abs=1e-5)
    # rock 6 at (5, 5) from (2, 1): 5 cells away, 2^(-1/4) = .8409
    assert good(6, 2, 1, "00000010") == pytest.approx(0.92045, abs=1e-5)
    near = rock_sample(5, 5).observation[4].toarray()  # rock 0 at (2, 4) from (2, 0): 2^(-4/4) = 1/2
    assert near[place(5, 5, 2, 0, "10000"), 0] == pytest.approx(0.75)
    for action in (0, 1, 2, 3, 12):
        assert problem.observation[action].toarray()[:, 0].min() == 1.0


def test_rock_sample_values_of_fixed_routes():
    problem = rock_sample(7, 8)
    east = blind(problem, [1])
    assert problem.initial @ east == pytest.approx(10.0 * 0.95**6)  # from (0, 3): the exit is the 7th step
    assert east[place(7, 8, 6, 0, "00000000")] == pytest.approx(10.0)
    # two south to the rock at (0, 1), sample it unseen (worth 0 on average), then east: 7 more steps
    route = blind(problem, [2, 2, 12, 1])
    assert problem.initial @ route == pytest.approx(10.0 * 0.95**9)
    good = problem.initial * (np.arange(problem.states) >> 6 & 1)  # rock 1 is the seventh bit of eight
    assert 2.0 * good @ route == pytest.approx(10.0 * 0.95**2 + 10.0 * 0.95**9)
