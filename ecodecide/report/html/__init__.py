"""The report of a comparison as one HTML file that can be mailed."""

from ecodecide.report.html.page import report, save_report

__all__ = ["report", "save_report"]
