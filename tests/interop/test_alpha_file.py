"""The .alpha format: round trips, classes that it does not know, and pomdp-py as its other reader."""

from pathlib import Path

import numpy as np
import pytest
from test_cassandra import random_pomdp, tiger
from test_policyx import check_same_policy, random_policy

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError
from ecodecide.interop.alpha_file import read_alpha_file, write_alpha_file
from ecodecide.interop.files import read_alpha_vectors, write_alpha_vectors

TEXT = "0\n16.4934 16.4934 \n\n1\n-81.5972 28.4028\n\n\n2\n28.4028\t-81.5972\n\n"


def read(folder: Path, text: str, pomdp: FinitePomdp | None = None):  # type: ignore[no-untyped-def]
    (folder / "some.alpha").write_bytes(text.encode("latin-1"))
    return read_alpha_file(folder / "some.alpha", pomdp or tiger())


def test_as_pomdp_solve_writes_it(tmp_path: Path) -> None:
    found = read(tmp_path, TEXT)
    assert found.vectors.tolist() == [[16.4934, 16.4934], [-81.5972, 28.4028], [28.4028, -81.5972]]
    assert found.actions.tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(20))
def test_round_trip(tmp_path: Path, seed: int) -> None:
    pomdp = random_pomdp(seed, 6, 3, 2, 1 + seed % 6)
    policy = random_policy(pomdp, seed)
    write_alpha_vectors(policy, tmp_path / "trip.ALPHA")
    check_same_policy(read_alpha_vectors(tmp_path / "trip.ALPHA", pomdp), policy)


@pytest.mark.parametrize("seed", range(5))
def test_a_reader_that_knows_no_classes_acts_the_same(tmp_path: Path, seed: int) -> None:
    pomdp = random_pomdp(seed, 7, 3, 2, 3)
    policy = random_policy(pomdp, seed)
    write_alpha_file(policy, tmp_path / "some.alpha")
    lines = [line.split() for line in (tmp_path / "some.alpha").read_text().splitlines() if line]
    actions, vectors = [int(x[0]) for x in lines[::2]], np.array(lines[1::2], dtype=float)
    rng = np.random.default_rng(seed)
    for states in pomdp.members:
        belief = np.zeros(7)
        belief[states] = rng.dirichlet(np.ones(states.size))
        best = int(np.argmax(vectors @ belief))
        assert (actions[best], float(vectors[best] @ belief)) == pytest.approx(policy.best(belief), abs=1e-9)


def test_a_policy_of_the_folded_problem_serves_every_class(tmp_path: Path) -> None:
    base = random_pomdp(3, 4, 3, 2, 1)
    pomdp = FinitePomdp(
        base.transition, base.observation, base.reward, base.discount, base.initial, visible=[0, 1, 0, 1]
    )
    found = read(tmp_path, "0\n100 200 300 400\n2\n500 100 100 100\n", pomdp)
    assert found.vectors.tolist() == [[100, 300], [500, 100], [200, 400], [100, 100]]
    assert found.actions.tolist() == [0, 2, 0, 2]
    assert found.classes.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0\n1 2\n3\n1 2\n", "line 3: found '3', expected the number of an action, 0 to 2"),
        ("0\n1 2\n-1\n1 2\n", "line 3: found '-1'"),
        ("0\n1 2\n1.5\n1 2\n", "line 3: found '1.5'"),
        ("0 1\n1 2\n", "line 1: found '0 1'"),
        ("\n0\n\n1\n", "line 4: 1 values, expected 2"),
        ("0\n1 2 3\n", "line 2: 3 values, expected 2"),
        ("0\n1 2\n\n1\n", "line 4: the file ends after an action"),
        ("0\n1 nan\n", "line 2: found 'nan', expected a finite number"),
        ("0\n1 1_0\n", "line 2: found '1_0'"),
        ("0\n1 -inf\n", "line 2: found '-inf'"),
        ("", "line 1: the file is empty"),
        ("0\n1 \xff\n", "line 2: byte 0xff is not UTF-8"),
        ("<Policy/>", "line 1: found '<Policy/>'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(FormatError, match=rf"^some\.alpha, {words}") as told:
        read(tmp_path, text)
    assert "\n" not in str(told.value)


def test_suffixes(tmp_path: Path) -> None:
    expected = r"suffix '\.txt', expected one of \.policyx, \.policy, \.alpha"
    with pytest.raises(FormatError, match=expected):
        write_alpha_vectors(random_policy(tiger(), 1), tmp_path / "some.txt")
    with pytest.raises(FormatError, match=expected):
        read_alpha_vectors(tmp_path / "some.txt", tiger())


def test_pomdp_py_reads_what_we_write(tmp_path: Path) -> None:
    pytest.importorskip("pomdp_py")
    from pomdp_py.utils.interfaces.conversion import AlphaVectorPolicy

    pomdp = tiger()
    policy = random_policy(pomdp, 4)
    file = str(tmp_path / "some.alpha")
    write_alpha_file(policy, file)
    theirs = AlphaVectorPolicy.construct(file, pomdp.state_names, pomdp.action_names, solver="pomdp-solve")
    assert [list(vector) for vector, _ in theirs.alphas] == policy.vectors.tolist()
    assert [action for _, action in theirs.alphas] == [pomdp.action_names[a] for a in policy.actions]
