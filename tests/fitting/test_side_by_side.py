"""Tasks side by side end as one after the other would, and together."""

import sys
import time

import pytest

from ecodecide.fitting.side_by_side import side_by_side


def test_results_come_in_the_order_of_the_tasks_and_progress_adds_up():
    told = []

    def task(number):
        def work(tell):
            for step in range(4):
                tell(step / 4)
                time.sleep(0.001 * (4 - number % 4))
            tell(1.0)
            return number

        return work

    patience = sys.getswitchinterval()
    assert side_by_side([task(n) for n in range(3)], told.append) == [0, 1, 2]
    assert sys.getswitchinterval() == patience
    assert told == sorted(told) and told[-1] == pytest.approx(1.0)
    assert side_by_side([task(7)], told.append) == [7]


@pytest.mark.parametrize("problem", [ValueError, KeyboardInterrupt])
def test_a_failure_ends_the_others_soon(problem):
    begun, ended, outlived = [], [], []

    def endless(tell):
        begun.append(tell)
        try:
            for _ in range(20_000):  # 20 seconds and more
                tell(0.5)
                time.sleep(0.001)
            outlived.append(True)
        finally:
            ended.append(tell)

    def broken(tell):
        raise problem("no")

    with pytest.raises(problem, match="no"):
        side_by_side([broken, endless, endless], lambda share: None)
    assert not outlived
    assert len(ended) == len(begun)


def test_an_interrupt_from_progress_ends_all():
    def endless(tell):
        while True:
            tell(0.5)

    def interrupted(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([endless, endless], interrupted)
