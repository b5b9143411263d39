"""Many stocks times many solvers, on the cores of one machine or of a cluster."""

from ecodecide.evaluation.sweep.plan import SweepPlan, read_plan
from ecodecide.evaluation.sweep.run import run_sweep
from ecodecide.evaluation.sweep.status import SweepStatus, sweep_status

__all__ = ["SweepPlan", "SweepStatus", "read_plan", "run_sweep", "sweep_status"]
