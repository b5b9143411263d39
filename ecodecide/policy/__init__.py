"""Policies: from what was observed and caught to the next quota."""
