"""The .policyx format: vectors by visible class, full and sparse, and pomdp-py as its other reader."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cassandra import random_pomdp, tiger

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError
from ecodecide.interop.files import read_alpha_vectors, write_alpha_vectors
from ecodecide.interop.policyx import read_policyx, write_policyx
from ecodecide.policy.alpha_vectors import AlphaVectors

# as APPL writes it, and with a count that no longer holds, as files in use have it
FULL = """<?xml version="1.0" encoding="ISO-8859-1"?>
<Policy version="0.1" type="value" model="tiger.pomdp" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<AlphaVector vectorLength="2" numObsValue="1" numVectors="17">
<Vector action="0" obsValue="0">16.4934 16.4934 </Vector>
<Vector action="1" obsValue="0">-81.5972 28.4028 </Vector>
<SparseVector action="2" obsValue="0"><Entry>0 28.4028</Entry></SparseVector>
</AlphaVector> </Policy>
"""


def random_policy(pomdp: FinitePomdp, seed: int) -> AlphaVectors:
    """Return vectors whose values are above what the worst reward for ever is worth."""
    rng = np.random.default_rng(seed)
    classes = np.append(np.arange(len(pomdp.members)), rng.integers(0, len(pomdp.members), 4))
    classes.sort()
    vectors = rng.normal(size=(classes.size, max(states.size for states in pomdp.members)))
    vectors += float(pomdp.reward.min()) / (1 - pomdp.discount) + 10
    for k, c in enumerate(classes):
        vectors[k, pomdp.members[c].size :] = 0.0
    return AlphaVectors(pomdp, vectors, rng.integers(0, pomdp.actions, classes.size), classes)


def check_same_policy(found: AlphaVectors, expected: AlphaVectors) -> None:
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    np.testing.assert_array_equal(found.actions, expected.actions)
    np.testing.assert_array_equal(found.classes, expected.classes)


def read(folder: Path, text: str, pomdp: FinitePomdp) -> AlphaVectors:
    (folder / "some.policyx").write_text(text)
    return read_policyx(folder / "some.policyx", pomdp)


def test_full_and_sparse_vectors(tmp_path: Path) -> None:
    found = read(tmp_path, FULL, tiger())
    assert found.vectors.tolist() == [[16.4934, 16.4934], [-81.5972, 28.4028], [28.4028, 0.0]]
    assert found.actions.tolist() == [0, 1, 2]
    assert found.classes.tolist() == [0, 0, 0]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("suffix", ["policyx", "policy"])
def test_round_trip(tmp_path: Path, seed: int, suffix: str) -> None:
    pomdp = random_pomdp(seed, 6, 3, 2, 1 + seed % 5)
    policy = random_policy(pomdp, seed)
    write_alpha_vectors(policy, tmp_path / f"trip.{suffix}")
    check_same_policy(read_alpha_vectors(tmp_path / f"trip.{suffix}", pomdp), policy)


def test_vectors_of_a_class_are_written_together(tmp_path: Path) -> None:
    pomdp = random_pomdp(1, 3, 2, 2, 3)
    policy = AlphaVectors(pomdp, np.arange(4.0)[:, None], np.array([0, 1, 0, 1]), np.array([2, 0, 2, 1]))
    write_policyx(policy, tmp_path / "some.policyx")
    found = re.findall(r'obsValue="(\d)">([\d.]+)', (tmp_path / "some.policyx").read_text())
    assert found == [("0", "1.0"), ("1", "3.0"), ("2", "0.0"), ("2", "2.0")]


@pytest.mark.parametrize(
    ("good", "bad", "line", "words"),
    [
        ("<Policy version", "<Plan version", 5 + 2, "not XML"),
        ('type="value"', 'type="graph"', 2, 'expected type="value"'),
        ('vectorLength="2"', 'vectorLength="3"', 3, "vectorLength is 3, but the problem has 2"),
        ('numObsValue="1"', 'numObsValue="4"', 3, "numObsValue is 4, but the problem has 1"),
        ('action="1"', 'action="3"', 5, "'3', expected a whole number from 0 to 2"),
        ('action="1"', "", 5, "action of <Vector>"),
        ('<Vector action="1" obsValue="0"', '<Vector action="1" obsValue="1"', 5, "obsValue of <Vector> is '1'"),
        ("-81.5972 28.4028 <", "-81.5972<", 5, "1 values in <Vector>, expected 2"),
        ("-81.5972", "nan", 5, "'nan'"),
        ("-81.5972", "low", 5, "'low'"),
        ("0 28.4028<", "2 28.4028<", 6, "the index '2', expected 0 to 1"),
        ("0 28.4028<", "28.4028<", 6, "expected <Entry>index value"),
        ("<SparseVector", "<Sparse", 6, "not XML"),
        ("</AlphaVector> </Policy>", "", 8, "not XML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, good: str, bad: str, line: int, words: str
) -> None:
    assert FULL.count(good) == 1
    with pytest.raises(FormatError, match=rf"^some\.policyx, line {line}: .*{words}") as told:
        read(tmp_path, FULL.replace(good, bad), tiger())
    assert "\n" not in str(told.value)


def test_of_another_problem_or_without_a_class(tmp_path: Path) -> None:
    mixed = random_pomdp(1, 4, 3, 2, 2)
    with pytest.raises(FormatError, match=r"line 3: .* is it of another problem\?"):
        read(tmp_path, FULL, mixed)
    mixed = FinitePomdp(
        mixed.transition, mixed.observation, mixed.reward, 0.9, mixed.initial, visible=[0, 0, 1, 1]
    )
    with pytest.raises(FormatError, match="line 3: no vector for obsValue 1"):
        read(tmp_path, FULL.replace('numObsValue="1"', 'numObsValue="2"'), mixed)
    with pytest.raises(FormatError, match=r"line 1: found <pomdpx>, expected <Policy>"):
        read(tmp_path, "<pomdpx/>", mixed)
    with pytest.raises(FormatError, match="a document type or an entity"):
        read(tmp_path, "<!DOCTYPE Policy>\n<Policy/>", mixed)
    with pytest.raises(FormatError, match="<Policy> without <AlphaVector>"):
        read(tmp_path, "<Policy/>", mixed)


def test_what_stands_beyond_a_small_class_is_nothing(tmp_path: Path) -> None:
    base = random_pomdp(1, 3, 3, 2)
    mixed = FinitePomdp(base.transition, base.observation, base.reward, 0.9, base.initial, visible=[0, 0, 1])
    text = FULL.replace('numObsValue="1"', 'numObsValue="2"').replace('"1" obsValue="0"', '"1" obsValue="1"')
    assert read(tmp_path, text, mixed).vectors.tolist() == [[16.4934, 16.4934], [-81.5972, 0], [28.4028, 0]]


def test_pomdp_py_reads_what_we_write(tmp_path: Path) -> None:
    pytest.importorskip("pomdp_py")
    from pomdp_py.utils.interfaces.conversion import AlphaVectorPolicy

    pomdp = tiger()
    policy: Any = random_policy(pomdp, 3)
    file = tmp_path / "some.policy"
    write_alpha_vectors(policy, file)
    theirs = AlphaVectorPolicy.construct(str(file), pomdp.state_names, pomdp.action_names, solver="sarsop")
    assert [list(vector) for vector, _ in theirs.alphas] == policy.vectors.tolist()
    assert [action for _, action in theirs.alphas] == [pomdp.action_names[a] for a in policy.actions]
    for p in (0.0, 0.3, 1.0):
        belief = dict(zip(pomdp.state_names, (p, 1 - p), strict=True))
        # the same sum of two products
        assert theirs.value(belief) == pytest.approx(policy.value(np.array([p, 1 - p])), abs=1e-12)
