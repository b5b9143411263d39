"""Solvers: each turns a harvest problem into a policy."""
