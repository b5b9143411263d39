"""The .pomdpx format: factored problems, mixed observability, round trips, and what is wrong told with its line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cassandra import check_same, random_pomdp, tiger

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError
from ecodecide.interop.files import read_pomdp, write_pomdp
from ecodecide.interop.pomdpx_reader import read_pomdpx
from ecodecide.interop.pomdpx_writer import write_pomdpx

# A rover on three places (west, middle, gone), which is seen, and a rock in the west, which is good or bad.
ROVER = """<?xml version='1.0' encoding='ISO-8859-1'?>
<pomdpx version="1.0" id="rover" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:='as some writers have it' xsi:noNamespaceSchemaLocation="pomdpx.xsd">
<Description>A rover that samples a rock</Description>
<Discount>0.95</Discount>
<Variable>
  <StateVar vnamePrev="rock_0" vnameCurr="rock_1"><ValueEnum>good bad</ValueEnum></StateVar>
  <StateVar vnamePrev="place_0" vnameCurr="place_1" fullyObs="true"><NumValues>3</NumValues></StateVar>
  <ObsVar vname="sensor"><ValueEnum>looks_good looks_bad</ValueEnum></ObsVar>
  <ActionVar vname="act"><ValueEnum>west east check sample</ValueEnum></ActionVar>
  <RewardVar vname="sampling"/>
  <RewardVar vname="leaving"/>
</Variable>
<InitialStateBelief>
  <CondProb><Var>rock_0</Var><Parent>null</Parent><Parameter type="TBL">
    <Entry><Instance>-</Instance><ProbTable>uniform</ProbTable></Entry>
  </Parameter></CondProb>
  <CondProb><Var>place_0</Var><Parent>null</Parent><Parameter>
    <Entry><Instance> - </Instance><ProbTable>0.0 1.0 0.0</ProbTable></Entry>
  </Parameter></CondProb>
</InitialStateBelief>
<StateTransitionFunction>
  <CondProb><Var>rock_1</Var><Parent>act place_0 rock_0</Parent><Parameter>
    <Entry><Instance>* * - -</Instance><ProbTable>identity</ProbTable></Entry>
    <Entry><Instance>sample s0 * -</Instance><ProbTable>0.0 1.0</ProbTable></Entry>
  </Parameter></CondProb>
  <CondProb><Var>place_1</Var><Parent>act place_0</Parent><Parameter type="TBL">
    <Entry><Instance>west - -</Instance><ProbTable>1 0 0
      0.9 0.1 0  0 0 1</ProbTable></Entry>
    <Entry><Instance>east s0 s1</Instance><ProbTable>1.0</ProbTable></Entry>
    <Entry><Instance>east s1 s2</Instance><ProbTable>1.0</ProbTable></Entry>
    <Entry><Instance>check - -</Instance><ProbTable>identity</ProbTable></Entry>
    <Entry><Instance>sample * s2</Instance><ProbTable>1</ProbTable></Entry>
    <Entry><Instance>sample s0 -</Instance><ProbTable>1 0 0</ProbTable></Entry>
    <Entry><Instance>* s2 s2</Instance><ProbTable>1.0</ProbTable></Entry>
  </Parameter></CondProb>
</StateTransitionFunction>
<ObsFunction>
  <CondProb><Var>sensor</Var><Parent>act rock_1 place_1</Parent><Parameter>
    <Entry><Instance>* * * -</Instance><ProbTable>1 0</ProbTable></Entry>
    <Entry><Instance>check - s0 -</Instance><ProbTable>1 0 0 1</ProbTable></Entry>
    <Entry><Instance>check - s1 -</Instance><ProbTable>0.8 0.2 0.3 0.7</ProbTable></Entry>
  </Parameter></CondProb>
</ObsFunction>
<RewardFunction>
  <Func><Var>sampling</Var><Parent>act place_0 rock_0</Parent><Parameter>
    <Entry><Instance>sample s0 -</Instance><ValueTable>10 -10</ValueTable></Entry>
    <Entry><Instance>sample s1 *</Instance><ValueTable>-100</ValueTable></Entry>
  </Parameter></Func>
  <Func><Var>leaving</Var><Parent>place_0 place_1</Parent><Parameter>
    <Entry><Instance>s1 s2</Instance><ValueTable>5</ValueTable></Entry>
    <Entry><Instance>s1 s0</Instance><ValueTable>-2</ValueTable></Entry>
  </Parameter></Func>
</RewardFunction>
</pomdpx>
"""


def read(folder: Path, text: str | bytes) -> FinitePomdp:
    file = folder / "some.pomdpx"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pomdpx(file)


def changed(good: str, bad: str) -> str:
    assert ROVER.count(good) == 1, ROVER.count(good)
    return ROVER.replace(good, bad)


# --- reading ---


def test_a_factored_problem_by_hand(tmp_path: Path) -> None:
    found = read(tmp_path, ROVER)
    assert found.state_names == ("good_s0", "good_s1", "good_s2", "bad_s0", "bad_s1", "bad_s2")
    assert found.action_names == ("west", "east", "check", "sample")
    assert found.observation_names == ("looks_good", "looks_bad")
    assert found.visible.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.discount == 0.95
    np.testing.assert_allclose(found.initial, [0, 0.5, 0, 0, 0.5, 0])
    place = {
        "west": [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]],
        "east": [[0, 1, 0], [0, 0, 1], [0, 0, 1]],
        "check": np.eye(3),
        "sample": [[1, 0, 0], [0, 0, 1], [0, 0, 1]],
    }
    for a, name in enumerate(found.action_names):
        expected = np.kron(np.eye(2), place[name])
        if name == "sample":
            expected[0] = [0, 0, 0, 1, 0, 0]
        np.testing.assert_allclose(found.transition[a].toarray(), expected, atol=1e-15)
    seen = found.observation[2].toarray()
    np.testing.assert_allclose(seen, [[1, 0], [0.8, 0.2], [1, 0], [0, 1], [0.3, 0.7], [1, 0]])
    np.testing.assert_allclose(found.observation[0].toarray(), [[1, 0]] * 6)
    # leaving the middle: 5 to the east, -2 to the west, which goes well 9 times in 10
    np.testing.assert_allclose(found.reward[1], [-1.8, 5, 0, -95], atol=1e-12)
    np.testing.assert_allclose(found.reward[[0, 3], 3], [10, -10], atol=1e-12)


def test_rewards_of_observations_are_expected(tmp_path: Path) -> None:
    text = changed("<Parent>place_0 place_1</Parent>", "<Parent>sensor act</Parent>")
    text = text.replace("s1 s2</Instance><Value", "looks_bad check</Instance><Value")
    text = text.replace("s1 s0</Instance><ValueTable>-2", "looks_good -</Instance><ValueTable>1 2 3 4")
    found = read(tmp_path, text)
    np.testing.assert_allclose(found.reward[:, 2], [3, 3.4, 3, 5, 4.4, 3], atol=1e-12)
    np.testing.assert_allclose(found.reward[:, 0], 1.0, atol=1e-12)


def test_a_variable_may_depend_on_another_next_one(tmp_path: Path) -> None:
    # the rock turns bad wherever the rover arrives in the west, and is declared and written before the place
    text = ROVER.replace("<Parent>act place_0 rock_0</Parent>", "<Parent>act place_1 rock_0</Parent>", 1)
    found = read(tmp_path, text.replace("sample s0 * -</Instance><Prob", "* s0 * -</Instance><Prob"))
    np.testing.assert_allclose(found.transition[0].toarray()[1], [0, 0.1, 0, 0.9, 0, 0], atol=1e-15)


def test_several_observations_and_actions_are_products(tmp_path: Path) -> None:
    second = '<ObsVar vname="noise"><NumValues>2</NumValues></ObsVar><ActionVar vname="pace"><NumValues>2'
    text = changed("  <ActionVar", second + "</NumValues></ActionVar>\n  <ActionVar")
    noise = "<CondProb><Var>noise</Var><Parent>pace</Parent><Parameter><Entry><Instance>a0 -</Instance>"
    noise += "<ProbTable>0.5 0.5</ProbTable></Entry><Entry><Instance>a1 o1</Instance><ProbTable>1</ProbTable>"
    found = read(
        tmp_path, text.replace("</ObsFunction>", noise + "</Entry></Parameter></CondProb></ObsFunction>")
    )
    assert found.action_names[:2] == ("a0_west", "a0_east") and found.actions == 8
    assert found.observation_names == ("looks_good_o0", "looks_good_o1", "looks_bad_o0", "looks_bad_o1")
    np.testing.assert_allclose(found.observation[2].toarray()[1], [0.4, 0.4, 0.1, 0.1])
    np.testing.assert_allclose(found.observation[6].toarray()[1], [0, 0.8, 0, 0.2])


def test_without_observations_there_is_one(tmp_path: Path) -> None:
    start, end = ROVER.index("<ObsFunction>"), ROVER.index("<RewardFunction>")
    text = ROVER[:start] + ROVER[end:]
    found = read(tmp_path, "\n".join(line for line in text.splitlines() if "ObsVar" not in line))
    assert found.observation_names == ("none",)


def test_twelve_thousand_factored_states_are_read_in_little_memory(tmp_path: Path) -> None:
    # 12 switches and 3 places: one dense transition array would take 1.2 GB, the sparse ones take 4 MB
    import time
    import tracemalloc

    switches = range(12)
    tail = "<ValueEnum>off on</ValueEnum></StateVar>"
    declared = "".join(f'<StateVar vnamePrev="w{i}" vnameCurr="v{i}">{tail}' for i in switches)
    begin = "".join(
        f"<CondProb><Var>w{i}</Var><Parent>null</Parent><Parameter><Entry><Instance>-</Instance>"
        "<ProbTable>uniform</ProbTable></Entry></Parameter></CondProb>"
        for i in switches
    )
    step = "".join(
        f"<CondProb><Var>v{i}</Var><Parent>w{i} act</Parent><Parameter><Entry><Instance>- * -</Instance>"
        f"<ProbTable>identity</ProbTable></Entry><Entry><Instance>off a{i % 2} -</Instance>"
        "<ProbTable>0 1</ProbTable></Entry></Parameter></CondProb>"
        for i in switches
    )
    place = '<StateVar vnamePrev="p0" vnameCurr="p1" fullyObs="true"><NumValues>3</NumValues></StateVar>'
    text = (
        f"<pomdpx><Discount>0.9</Discount><Variable>{place}{declared}"
        '<ActionVar vname="act"><NumValues>2</NumValues></ActionVar><RewardVar vname="r"/></Variable>'
        "<InitialStateBelief><CondProb><Var>p0</Var><Parent>null</Parent><Parameter><Entry>"
        f"<Instance>s0</Instance><ProbTable>1</ProbTable></Entry></Parameter></CondProb>{begin}"
        "</InitialStateBelief><StateTransitionFunction><CondProb><Var>p1</Var><Parent>p0</Parent><Parameter>"
        f"<Entry><Instance>- -</Instance><ProbTable>0 1 0 0 0 1 1 0 0</ProbTable></Entry></Parameter></CondProb>"
        f"{step}</StateTransitionFunction><RewardFunction><Func><Var>r</Var><Parent>w3 v3</Parent><Parameter>"
        "<Entry><Instance>off on</Instance><ValueTable>1</ValueTable></Entry></Parameter></Func>"
        "</RewardFunction></pomdpx>"
    )
    tracemalloc.start()
    begun = time.process_time()
    found = read(tmp_path, text)
    # 0.3 s alone; ten times that leaves room for a slow machine, and none for a dense array
    assert time.process_time() - begun < 5.0
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert found.states == 12288 and len(found.members) == 3
    assert found.reward.sum() == 12288 / 2


# --- what is wrong ---

WRONG = [
    ("<Discount>0.95<", "<Discount>1.0<", 5, "a discount of 1"),
    ("<Discount>0.95<", "<Discount>NaN<", 5, "'NaN'"),
    ("<Discount>0.95</Discount>\n", "", 2, "without <Discount>"),
    ("<Discount>0.95<", "<Discount>0.9</Discount><Discount>0.9<", 5, "a second <Discount>"),
    ("<Description>A rover that samples a rock</Description>", "<Author/>", 4, "found <Author>"),
    ("<NumValues>3<", "<NumValues>three<", 8, "'three'"),
    ("<NumValues>3<", "<NumValues>0<", 8, "'0'"),
    ("<NumValues>3<", "<NumValues>999999999<", 8, "999999999 values, expected at most"),
    ("<NumValues>3</NumValues>", "", 8, "either <NumValues> or <ValueEnum>"),
    ("<ValueEnum>good bad<", "<ValueEnum>good good<", 7, "'good' where it cannot be"),
    ("<ValueEnum>good bad<", "<ValueEnum>good *<", 7, r"'\*' where it cannot be"),
    ('vnameCurr="rock_1"', 'vnameCurr="rock_0"', 7, "a second variable 'rock_0'"),
    ('vnameCurr="rock_1"', "", 7, "without vnameCurr"),
    ('fullyObs="true"', 'fullyObs="maybe"', 8, "'maybe'"),
    ('<RewardVar vname="leaving"/>', '<TerminalStateRewardVar vname="leaving"/>', 12, "TerminalStateRewardVar"),
    ("<ProbTable>uniform<", "<ProbTable>0.5<", 16, "1 numbers in <ProbTable>, expected 2"),
    ("<Var>rock_0</Var><Parent>null<", "<Var>rock_0</Var><Parent>rock_1<", 15, "'rock_1' as a parent"),
    ("<ProbTable>0.0 1.0 0.0<", "<ProbTable>0.0 1.0 0.1<", 19, "'place_0' sum to 1.1"),
    ("<Parent>act place_0 rock_0</Parent><Parameter>\n    <Entry><Instance>*",
     "<Parent>act place_0 rock_0</Parent><Parameter type='DD'>\n    <Entry><Instance>*", 23, "decision diagrams"),
    ("<ProbTable>0.0 1.0<", "<ProbTable>0.0 0.5<", 25, "'rock_1' given act=sample, place_0=s0, rock_0=good sum to 0.5"),
    ("<ProbTable>0.0 1.0<", "<ProbTable>-0.5 1.5<", 25, "a probability of -0.5"),
    ("<ProbTable>0.0 1.0<", "<ProbTable>inf 1.0<", 25, "'inf'"),
    ("<Instance>sample s0 * -<", "<Instance>sample s0 -<", 25, "3 words in <Instance>, expected 4"),
    ("<Instance>sample s0 * -<", "<Instance>dig s0 * -<", 25, "'dig' for 'act'"),
    ("<Instance>* * - -<", "<Instance>* * * -<", 24, "identity, expected"),
    ("<Entry><Instance>east s1 s2</Instance><ProbTable>1.0</ProbTable></Entry>", "", 27,
     "no probabilities for 'place_1' given act=east, place_0=s1"),
    ("<Instance>check - -</Instance><ProbTable>identity", "<ProbTable>identity", 32, "without <Instance>"),
    ("<Var>place_1<", "<Var>rock_1<", 27, "a second table of 'rock_1'"),
    ("<Parent>act rock_1 place_1<", "<Parent>act rock_0 place_1<", 39, "'rock_0' as a parent of 'sensor'"),
    ("<Var>sampling<", "<Var>winning<", 46, "'winning', expected one of leaving, sampling"),
    ("<ValueTable>-100<", "<ValueTable>much<", 48, "'much'"),
    ("<ValueTable>-100<", "<ValueTable>1 2<", 48, "2 numbers in <ValueTable>, expected 1"),
    ("</RewardFunction>", "</Rewards>", 54, "not XML"),
    ("</pomdpx>", "", 56, "not XML"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "line", "words"), WRONG)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, good: str, bad: str, line: int, words: str
) -> None:
    with pytest.raises(FormatError, match=rf"^some\.pomdpx, line {line}: .*({words})") as told:
        read(tmp_path, changed(good, bad))
    assert "\n" not in str(told.value)


def test_tables_in_a_circle(tmp_path: Path) -> None:
    text = ROVER.replace("<Parent>act place_0 rock_0</Parent>", "<Parent>act place_1 rock_0</Parent>", 1)
    start, end = text.index("<Var>place_1"), text.index("</StateTransitionFunction>")
    row = "<Entry><Instance>* * -</Instance><ProbTable>1 0 0</ProbTable></Entry></Parameter></CondProb>"
    circle = "<Var>place_1</Var><Parent>act rock_1</Parent><Parameter>" + row
    with pytest.raises(FormatError, match=r"line 23: 'rock_1' depends on itself"):
        read(tmp_path, text[:start] + circle + text[end:])


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<pomdpx><Description>&b;</Description></pomdpx>
"""
OUTSIDE = '<!DOCTYPE pomdpx [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n<pomdpx>&x;</pomdpx>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "line 2: a document type"),
        (OUTSIDE, "line 1: a document type"),
        ('<!DOCTYPE pomdpx SYSTEM "pomdpx.dtd">\n' + ROVER.split("\n", 1)[1], "line 1: a document type"),
        ("<pomdpx>\n&x;</pomdpx>", "line 2: this is not XML"),
        ("", "line 1: the file is empty"),
        (b"\x00\x01\x02\xff", "line 1: this is not XML"),
        (b"<pomdpx>\n\xff</pomdpx>", "line 2: this is not XML"),
        ("discount: 0.95\n", "line 1: this is not XML"),
        ("<html/>", "line 1: found <html>"),
        ('<?xml version="1.0" encoding="klingon"?>\n<pomdpx/>', "line 1: the declared encoding"),
        ("<a>" * 500, "line 1: <a> in 64 elements"),
        ("<pomdpx/>", "line 1: <pomdpx> without <Discount>"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(FormatError, match=rf"^some\.pomdpx, {words}"):
        read(tmp_path, text)


@pytest.mark.parametrize("cut", range(7, len(ROVER) - 10, 97))
def test_a_file_cut_anywhere_is_an_error(tmp_path: Path, cut: int) -> None:
    with pytest.raises(FormatError, match=r"^some\.pomdpx, line \d+: "):
        read(tmp_path, ROVER[:cut])


def test_a_count_allocates_nothing(tmp_path: Path) -> None:
    import tracemalloc

    many = "".join(
        f'<StateVar vnamePrev="x{i}" vnameCurr="y{i}"><NumValues>2</NumValues></StateVar>' for i in range(200)
    )
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"line 11: 1,572,864 states, expected at most 1,000,000"):
        read(tmp_path, changed('  <RewardVar vname="sampling"/>', many))
    # two to the power of two hundred states, of which a million would take 8 MB a number each
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_too_many_probabilities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecodecide.interop.source_file.LARGEST_NONZEROS", 20)
    with pytest.raises(FormatError, match=r"line 22: more than 20 probabilities above zero"):
        read(tmp_path, ROVER)


# --- writing ---


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 3), st.integers(1, 3), st.integers(1, 7))
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    states: int,
    actions: int,
    observations: int,
    classes: int,
) -> None:
    pomdp = random_pomdp(seed, states, actions, observations, min(classes, states))
    file = tmp_path_factory.mktemp("round") / "trip.pomdpx"
    write_pomdp(pomdp, file)
    check_same(read_pomdp(file), pomdp)


def test_names_stay_or_become_numbers(tmp_path: Path) -> None:
    write_pomdpx(tiger(), tmp_path / "tiger.pomdpx")
    check_same(read_pomdpx(tmp_path / "tiger.pomdpx"), tiger())
    base = tiger()
    parts = (base.transition, base.observation, base.reward, 0.95, base.initial)
    for visible in (None, [1, 0]):
        names = {"state_names": ("<a&b>", "0.5"), "action_names": ("*", "b", "c"), "visible": visible}
        write_pomdpx(FinitePomdp(*parts, **names), tmp_path / "some.pomdpx")  # type: ignore[arg-type]
        found = read_pomdpx(tmp_path / "some.pomdpx")
        assert found.action_names == ("0", "1", "2")
        # within a processing instruction a > could end it
        assert found.state_names == (("<a&b>", "0.5") if visible is None else ("0", "1"))
        np.testing.assert_array_equal(found.reward, base.reward)


def test_the_factored_problem_again(tmp_path: Path) -> None:
    pomdp = read(tmp_path, ROVER)
    write_pomdpx(pomdp, tmp_path / "again.pomdpx")
    check_same(read_pomdpx(tmp_path / "again.pomdpx"), pomdp)


def test_a_reader_without_our_instruction_finds_an_equivalent_problem(tmp_path: Path) -> None:
    # classes of 3 and 1: two more states, which nothing reaches, and the same values for the rest
    pomdp = random_pomdp(2, 4, 2, 2, 2)
    pomdp = FinitePomdp(
        pomdp.transition, pomdp.observation, pomdp.reward, 0.9, pomdp.initial, visible=[0, 1, 0, 0]
    )
    write_pomdpx(pomdp, tmp_path / "ours.pomdpx")
    text = "\n".join(x for x in (tmp_path / "ours.pomdpx").read_text().splitlines() if "?ecodecide" not in x)
    found = read(tmp_path, text)
    assert found.states == 6 and found.visible.tolist() == [0, 0, 0, 1, 1, 1]
    keep = [0, 2, 3, 1]
    for a in range(2):
        moved = found.transition[a].toarray()
        np.testing.assert_allclose(
            moved[:4, :4], pomdp.transition[a].toarray()[np.ix_(keep, keep)], atol=1e-12
        )
        assert not moved[:4, 4:].any()
    np.testing.assert_allclose(found.initial, [*pomdp.initial[keep], 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("order", "names", "words"),
    [
        ("0 1", "", "does not number the 6 states"),
        ("0 1 2 3 4 4", "", "does not number the 6 states"),
        ("0 - 1 2 - 3", "", "calls unused are reached"),
        ("0 1 2 3 4 5", "a b", "has 2 names, expected 6"),
    ],
)
def test_an_instruction_that_does_not_fit(tmp_path: Path, order: str, names: str, words: str) -> None:
    told = f"<?ecodecide-state-order {order}?>\n" + (f"<?ecodecide-state-names {names}?>\n" if names else "")
    with pytest.raises(FormatError, match=words):
        read(tmp_path, ROVER.replace("<pomdpx ", told + "<pomdpx "))
