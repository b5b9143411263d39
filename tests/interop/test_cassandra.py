"""The .pomdp format: what others write is read, what is read and written stays the same, what is wrong is told."""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError, ProblemError
from ecodecide.interop import source_file
from ecodecide.interop.cassandra_reader import read_cassandra
from ecodecide.interop.cassandra_writer import write_cassandra
from ecodecide.interop.files import read_pomdp, write_pomdp

PREAMBLE = """discount: 0.95
values: reward
states: tiger-left tiger-right
actions: listen open-left open-right
observations: hear-left hear-right
"""
TIGER = (
    PREAMBLE
    + """T: listen
identity
T: open-left uniform
T: open-right
uniform
O: listen
0.85 0.15
0.15 0.85
O: open-left uniform
O: open-right uniform
R: listen : * : * : * -1
R: open-left : tiger-left : * : * -100
R: open-left : tiger-right : * : * 10
R: open-right : tiger-left : * : * 10
R: open-right : tiger-right : * : * -100
"""
)
# the same problem, said with every other form: numbers, rows, rules that later ones override, costs, no spaces
DIALECT = """# Tiger, by number   values: cost
values:cost
observations:2
actions: 3
states :   2
discount : .95
start : uniform
T:*:*:*0.5
T:0:*:*0.0
T:0:0:0 1.0 T:0:1
0 1e0
O : 0 : 0 0.85
   0.15
O : 0 : 1 : 1 8.5E-1 # heard right
O : 0 : 1 : 0 0.15
O : 1 0.5 0.5 0.5 0.5
O : 2 : * uniform
R:*:*:*:* 1
R: 1 : 0 : *
100.0 100.0
R: 1 : 1
-10 - 10
-10 -10
R: 2 : * : 0 : * -10
R: 2 : * : 1 : * -10
R: 2 : 1 : * : 1 +100
R: 2 : 1 : * : 0 100
"""


def tiger() -> FinitePomdp:
    stay, reset = np.eye(2), np.full((2, 2), 0.5)
    heard = np.array([[0.85, 0.15], [0.15, 0.85]])
    return FinitePomdp(
        transition=(stay, reset, reset),
        observation=(heard, reset, reset),
        reward=np.array([[-1.0, -100.0, 10.0], [-1.0, 10.0, -100.0]]),
        discount=0.95,
        initial=np.array([0.5, 0.5]),
        state_names=("tiger-left", "tiger-right"),
        action_names=("listen", "open-left", "open-right"),
        observation_names=("hear-left", "hear-right"),
    )


def random_pomdp(seed: int, states: int, actions: int, observations: int, classes: int = 1) -> FinitePomdp:
    """Return a sparse problem whose classes have any size and order."""
    rng = np.random.default_rng(seed)

    def rows(columns: int) -> Any:
        weight = rng.random((states, columns)) * (rng.random((states, columns)) < 0.4)
        weight[np.arange(states), rng.integers(0, columns, states)] += 0.5
        return weight / weight.sum(axis=1, keepdims=True)

    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, states - classes)])
    return FinitePomdp(
        tuple(rows(states) for _ in range(actions)),
        tuple(rows(observations) for _ in range(actions)),
        rng.normal(size=(states, actions)) * (rng.random((states, actions)) < 0.8),
        float(rng.uniform(0.1, 0.99)),
        rng.dirichlet(np.ones(states)),
        visible=rng.permutation(labels),
    )


def check_same(found: FinitePomdp, expected: FinitePomdp) -> None:
    """Numbers agree but for the rounding of sums of them, about 1e-16 each, of which 1e-12 is far more."""
    for kind in ("state_names", "action_names", "observation_names", "discount"):
        assert getattr(found, kind) == getattr(expected, kind)
    for kind in ("transition", "observation"):
        for a, b in zip(getattr(found, kind), getattr(expected, kind), strict=True):
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.reward, expected.reward, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.initial, expected.initial, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.visible, expected.visible)


def read(folder: Path, text: str | bytes) -> FinitePomdp:
    file = folder / "some.pomdp"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_cassandra(file)


# --- reading ---


def test_tiger_with_names_and_matrices(tmp_path: Path) -> None:
    check_same(read(tmp_path, TIGER), tiger())


def test_tiger_in_every_other_form(tmp_path: Path) -> None:
    found, expected = read(tmp_path, DIALECT), tiger()
    assert found.action_names == ("0", "1", "2")
    for kind in ("transition", "observation"):
        for a, b in zip(getattr(found, kind), getattr(expected, kind), strict=True):
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.reward, expected.reward, rtol=0, atol=1e-12)


def test_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    check_same(read(tmp_path, b"\xef\xbb\xbf" + TIGER.replace("\n", "\r\n").encode()), tiger())


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("", [1 / 3, 1 / 3, 1 / 3]),
        ("start: uniform", [1 / 3, 1 / 3, 1 / 3]),
        ("start: 0.25\n0.25 0.5", [0.25, 0.25, 0.5]),
        ("start: 0 1 0", [0, 1, 0]),
        ("start: b", [0, 1, 0]),
        ("start: 2", [0, 0, 1]),
        ("start include: a c", [0.5, 0, 0.5]),
        ("start include : 1", [0, 1, 0]),
        ("start exclude: 0", [0, 0.5, 0.5]),
    ],
)
def test_start_and_reset(tmp_path: Path, start: str, expected: list[float]) -> None:
    text = f"discount: 0.9\nvalues: reward\nstates: a b c\nactions: 1\nobservations: 1\n{start}\n"
    found = read(tmp_path, text + "T: 0 : * reset\nT: 0 : b : * 0\nT: 0 : b : b 1\nO: 0 uniform\n")
    np.testing.assert_allclose(found.initial, expected, atol=1e-15)
    np.testing.assert_allclose(found.transition[0].toarray()[0], expected, atol=1e-15)
    np.testing.assert_array_equal(found.transition[0].toarray()[1], [0, 1, 0])


@pytest.mark.parametrize("start", ["0 1 0", "0\n1\n0", "0  # two more follow\n\n1 0", "1"])
def test_start_of_numbered_states(tmp_path: Path, start: str) -> None:
    text = f"discount: 0.9\nvalues: reward\nactions: 1\nobservations: 1\nstates: 3\nstart: {start}\n"
    found = read(tmp_path, text + "T: 0 identity\nO: 0 uniform\n")
    assert found.initial.tolist() == [0, 1, 0]


def test_rewards_of_what_follows_are_expected(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pomdp = random_pomdp(3, 4, 2, 3)
    reward = rng.normal(size=(2, 4, 4, 3)).round(3)
    file = tmp_path / "base.pomdp"
    write_cassandra(pomdp, file)
    text = "".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("R"))
    # general first, exceptions later, in each form
    text += "R: * : * : * : * 7\n"
    for s in range(4):
        text += f"R: 0 : {s}\n" + "\n".join(" ".join(map(str, row)) for row in reward[0, s]) + "\n"
        for t in range(4):
            text += f"R: 1 : {s} : {t} {' '.join(map(str, reward[1, s, t]))}\n"
    text += "R: 1 : * : 2 : 1 -3.5\n"
    reward[1, :, 2, 1] = -3.5
    transition = np.array([t.toarray() for t in pomdp.transition])
    observation = np.array([o.toarray() for o in pomdp.observation])
    expected = np.einsum("ast,ato,asto->sa", transition, observation, reward)
    np.testing.assert_allclose(read(tmp_path, text).reward, expected, rtol=0, atol=1e-12)


def test_without_observations_every_state_is_visible(tmp_path: Path) -> None:
    text = "discount: 0.9\nvalues: cost\nstates: a b\nactions: stay go\nstart: 0\nT: stay identity\n"
    found = read(tmp_path, text + "T: go uniform\nR: stay\n0 1\n2 3\nR: go : a\n4 6\nR: go : b : a 1\n")
    assert found.visible.tolist() == [0, 1]
    np.testing.assert_allclose(found.reward, [[0, -5], [-3, -0.5]], atol=1e-12)
    assert not np.signbit(found.reward[0, 0])


def test_names_may_be_words_that_look_like_others(tmp_path: Path) -> None:
    text = TIGER.replace("tiger-left", "T1").replace("tiger-right", "o_2").replace("listen", "uniformly")
    assert read(tmp_path, text).state_names == ("T1", "o_2")


# --- what is wrong ---

WRONG = [
    ("discount: 0.95", "discount: 1.0", 1, "a discount of 1"),
    ("discount: 0.95", "discount: nan", 1, "'nan'"),
    ("discount: 0.95\n", "", 5, "before `discount:`"),
    ("values: reward\n", "", 5, "before `values:`"),
    ("values: reward", "values: money", 2, "'money'"),
    ("states: tiger-left tiger-right", "states: tiger-left tiger-left", 3, "a second 'tiger-left'"),
    ("states: tiger-left tiger-right", "states: 0", 3, "0 states"),
    ("states: tiger-left tiger-right", "states: 7 8", 3, "the name '7'"),
    ("states: tiger-left tiger-right", "states:", 4, "expected how many states"),
    ("states: tiger-left tiger-right", "states: 999999999", 3, "999,999,999 states"),
    ("states: tiger-left tiger-right", "states: " + "9" * 5000, 3, "states, expected at most"),
    ("actions: listen", "actions: 3\nactions: listen", 5, "a second list of actions"),
    ("T: listen\nidentity", "start: 0.5 0.6\nT: listen\nidentity", 6, "sum to 1.1"),
    ("T: listen\nidentity", "start include: nobody\nT: listen\nidentity", 6, "'nobody'"),
    ("T: listen\nidentity", "T: hearken\nidentity", 6, "'hearken'"),
    ("T: listen\nidentity", "T: 3\nidentity", 6, "'3'"),
    ("T: listen\nidentity", "T: listen\n1 0\n1", 9, "after 3 of 4 numbers|after 1 of 2 numbers"),
    ("T: listen\nidentity", "T: listen\n1 0\n0.5 0.4", 8, "sum to 0.9"),
    ("T: listen\nidentity", "T: listen\n1 0\n-0.5 1.5", 8, "-0.5"),
    ("T: listen\nidentity", "T: listen\n1 0\ninf 0", 8, "'inf'"),
    ("T: listen\nidentity", "T: listen\n1 0\n0 1_0", 8, "'1_0'"),
    ("T: listen\nidentity", "T: listen\n1 0\n0 1 0", 8, "'0'"),
    ("T: listen\nidentity", "T: listen reset", 6, "reset here"),
    ("T: listen\nidentity", "T: listen : * reset\nstart: 1 0", 7, "start after a reset"),
    ("T: listen\nidentity", "start: 1 0\nT: listen identity\nstart: 1 0", 8, "a second start"),
    ("T: listen\nidentity", "", 0, "'listen' and state 'tiger-left'"),
    ("O: open-left uniform", "O: open-left identity", 14, "identity here"),
    ("O: open-left uniform", "Q: open-left uniform", 14, "'Q'"),
    ("R: listen : * : * : * -1", "R: listen : * : * : * much", 16, "'much'"),
    ("R: listen : * : * : * -1", "R: listen : * : * : * 1e999", 16, "'1e999'"),
    ("R: listen : * : * : * -1", "R: listen : * : * : * - 1e400", 16, "'1e400'"),
    ("R: listen : * : * : * -1", "R: listen : * : * : * -", 17, "'R', expected a number"),
    ("R: listen : * : * : * -1", "R: listen -1", 16, "expected ':'"),
    ("R: listen : * : * : * -1", "R  listen", 16, "expected ':'"),
]


@pytest.mark.parametrize(("good", "bad", "line", "words"), WRONG)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, good: str, bad: str, line: int, words: str
) -> None:
    assert TIGER.count(good) == 1
    text = TIGER.replace(good, bad)
    where = line or text.rstrip().count("\n") + 1
    with pytest.raises(FormatError, match=rf"^some\.pomdp, line {where}: .*({words})") as told:
        read(tmp_path, text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "line 1: the file is empty"),
        (b" \n\n", "line 1: the file is empty"),
        (b"# nothing\n", "line 1: the file ends"),
        (TIGER[:130].encode(), "line 5: "),
        (TIGER[:230].encode(), "line 1[0-9]: "),
        (b"discount: 0.9\n\x80\x81", "line 2: byte 0x80 is not UTF-8"),
        (b"discount: 0.9\n\0\0", "line 2: a zero byte"),
        (os.urandom(4) + b"\xff\xfe" + bytes(range(256)), "line [0-9]+: "),
        (b"\x7fELF" + bytes(range(128)), "line [0-9]+: "),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, text: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=rf"^some\.pomdp, {words}"):
        read(tmp_path, text)


@pytest.mark.parametrize("cut", range(5, TIGER.index("O: open-right uniform") + 20, 23))
def test_a_file_cut_before_all_is_said_is_an_error(tmp_path: Path, cut: int) -> None:
    with pytest.raises(FormatError, match=r"^some\.pomdp, line \d+: "):
        read(tmp_path, TIGER[:cut])


def test_a_count_allocates_nothing(tmp_path: Path) -> None:
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(FormatError, match="900,000 states times 900 actions"):
        read(tmp_path, "discount: 0.9\nvalues: reward\nactions: 900\nstates: 900000\n")
    # the names of 900,000 states would take 50 MB, their rewards 6 GB
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_too_many_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecodecide.interop.source_file.LARGEST_NONZEROS", 3)
    with pytest.raises(FormatError, match=r"line 8: more than 3 probabilities"):
        read(tmp_path, TIGER)
    # two, four and four: over the limit only together
    monkeypatch.setattr("ecodecide.interop.source_file.LARGEST_NONZEROS", 9)
    monkeypatch.setattr("ecodecide.interop.cassandra_reader.LARGEST_NONZEROS", 9)
    with pytest.raises(FormatError, match=r"T has more than 9 entries above zero"):
        read(tmp_path, TIGER)


def test_too_large_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_file, "LARGEST_FILE", 100)
    with pytest.raises(FormatError, match=r"some.pomdp has \d+ bytes"):
        read(tmp_path, TIGER)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.pomdp was not found"):
        read_pomdp(tmp_path / "none.pomdp")
    (tmp_path / "folder.pomdp").mkdir()
    with pytest.raises(FormatError, match="not a plain file"):
        read_pomdp(tmp_path / "folder.pomdp")
    for call in (read_pomdp, lambda path: write_pomdp(tiger(), path)):
        with pytest.raises(FormatError, match=r"suffix '\.txt', expected one of \.pomdp, \.pomdpx"):
            call(tmp_path / "tiger.txt")


# --- writing ---


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, seed: int, states: int, actions: int, observations: int
) -> None:
    pomdp = random_pomdp(seed, states, actions, observations)
    file = tmp_path_factory.mktemp("round") / "TRIP.POMDP"
    write_pomdp(pomdp, file)
    check_same(read_pomdp(file), pomdp)


def test_names_of_the_grammar_stay(tmp_path: Path) -> None:
    write_cassandra(tiger(), tmp_path / "tiger.pomdp")
    check_same(read_cassandra(tmp_path / "tiger.pomdp"), tiger())


@pytest.mark.parametrize("name", ["two words", "0.25", "a:b", "a#b", "uniform", "T", "é", "*", "a\nb"])
def test_other_names_become_numbers_and_comments(tmp_path: Path, name: str) -> None:
    base = tiger()
    parts = (base.transition, base.observation, base.reward, 0.95, base.initial)
    write_cassandra(FinitePomdp(*parts, state_names=("good", name)), tmp_path / "some.pomdp")
    found = read_cassandra(tmp_path / "some.pomdp")
    assert found.state_names == ("0", "1")
    np.testing.assert_array_equal(found.reward, base.reward)
    assert f"# states 1: {' '.join(name.split())}\n" in (tmp_path / "some.pomdp").read_text()


def test_what_is_visible_is_folded(tmp_path: Path) -> None:
    base = random_pomdp(5, 5, 2, 2, 3)
    start = np.where(base.visible == 1, 1.0, 0.0)
    parts = (base.transition, base.observation, base.reward, base.discount, start / start.sum())
    pomdp = FinitePomdp(*parts, visible=base.visible)
    write_cassandra(pomdp, tmp_path / "some.pomdp")
    folded, found = pomdp.folded(), read_cassandra(tmp_path / "some.pomdp")
    assert found.observations == folded.observations == 6
    for a, b in zip(found.observation, folded.observation, strict=True):
        np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=0, atol=1e-12)
    with pytest.raises(ProblemError, match="several visible classes"):
        write_cassandra(base, tmp_path / "other.pomdp")
    assert not (tmp_path / "other.pomdp").exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "some.pomdp"
    file.write_text("before")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ecodecide.whole_file.os.replace", full)
    with pytest.raises(FormatError, match="No space left on device; choose another file"):
        write_cassandra(tiger(), file)
    assert file.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["some.pomdp"]


# --- pomdp-py ---


@pytest.mark.skipif(sys.platform != "linux", reason="pomdp-py is installed on Linux alone")
def test_a_file_that_pomdp_py_writes(tmp_path: Path) -> None:
    pomdp_py = pytest.importorskip("pomdp_py")
    from pomdp_py.utils.interfaces.conversion import to_pomdp_file

    expected = tiger()
    s, a, o = expected.state_names, expected.action_names, expected.observation_names

    class Transition(pomdp_py.TransitionModel):  # type: ignore[misc, name-defined]
        def probability(self, after: str, before: str, action: str) -> float:
            return float(expected.transition[a.index(action)].toarray()[s.index(before), s.index(after)])

        def get_all_states(self) -> list[str]:
            return list(s)

    class Observation(pomdp_py.ObservationModel):  # type: ignore[misc, name-defined]
        def probability(self, seen: str, after: str, action: str) -> float:
            return float(expected.observation[a.index(action)].toarray()[s.index(after), o.index(seen)])

        def get_all_observations(self) -> list[str]:
            return list(o)

    class Reward(pomdp_py.RewardModel):  # type: ignore[misc, name-defined]
        def sample(self, before: str, action: str, after: str) -> float:
            return float(expected.reward[s.index(before), a.index(action)])

    class Policy(pomdp_py.PolicyModel):  # type: ignore[misc, name-defined]
        def get_all_actions(self, *_: Any, **__: Any) -> list[str]:
            return list(a)

    belief = pomdp_py.Histogram(dict(zip(s, (0.5, 0.5), strict=True)))
    agent = pomdp_py.Agent(belief, Policy(), Transition(), Observation(), Reward())
    to_pomdp_file(agent, str(tmp_path / "theirs.pomdp"), discount_factor=0.95)
    check_same(read_cassandra(tmp_path / "theirs.pomdp"), expected)
