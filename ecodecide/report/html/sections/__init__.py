"""The sections of the report, a file each: every one takes the material of a page and returns a `Section`."""

from ecodecide.report.html.sections.belief import belief
from ecodecide.report.html.sections.collapse import collapse
from ecodecide.report.html.sections.data_and_fit import data_and_fit
from ecodecide.report.html.sections.futures import futures
from ecodecide.report.html.sections.harvest import harvest
from ecodecide.report.html.sections.policies import policies
from ecodecide.report.html.sections.record import assumptions, cite, settings, warnings
from ecodecide.report.html.sections.robustness import robustness
from ecodecide.report.html.sections.status import status
from ecodecide.report.html.sections.summary import summary
from ecodecide.report.html.sections.trade_off import trade_off

SECTIONS = (
    summary,
    policies,
    data_and_fit,
    status,
    harvest,
    belief,
    futures,
    trade_off,
    robustness,
    collapse,
    warnings,
    assumptions,
    cite,
    settings,
)
"""In the order of the page."""
