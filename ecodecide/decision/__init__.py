"""The decision problem and its discretization."""
