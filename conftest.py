"""Set-up of the doctests: those of the bridge to pomdp-py need pomdp-py, which has no wheel for every platform."""

import importlib.util

collect_ignore = []
if importlib.util.find_spec("pomdp_py") is None:
    collect_ignore.append("ecodecide/interop/pomdp_py_bridge.py")
