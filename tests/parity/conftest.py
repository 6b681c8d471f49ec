"""Without torch nothing here is collected; with it, the largest differences are printed at the end."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

from tests.parity import peers

if any(importlib.util.find_spec(name) is None for name in ("torch", "timm", "transformers")):
    collect_ignore_glob = ["test_*.py"]
else:  # before TensorFlow: parts of torch that are imported after it end the process with a segmentation fault
    for name in ("torch._dynamo", "timm", "transformers.models.swiftformer.modeling_swiftformer"):
        importlib.import_module(name)
    # These networks are small: several threads of two libraries would mostly wait for each other.
    importlib.import_module("torch").set_num_threads(1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not peers.DIFFERENCES:
        return
    terminalreporter.section("largest differences")
    terminalreporter.write_line(f"{'family':<52} {'comparisons':>11} {'largest':>9} {'std of theirs':>13}")
    for family, found in sorted(peers.DIFFERENCES.items()):
        largest, spread = max(d for d, _ in found), max(s for _, s in found)
        terminalreporter.write_line(f"{family:<52} {len(found):>11} {largest:>9.1e} {spread:>13.2f}")
