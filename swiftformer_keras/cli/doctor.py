"""`swiftformer doctor`: what is installed, what is missing, and what to install."""

from __future__ import annotations

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import JsonFlag, QuietFlag


def doctor(json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Check this machine: versions, optional tools, and whether LiteRT runs a model."""
    console = Console("doctor", as_json=json, quiet=quiet)
    from converters.doctor import examine

    with console.progress("Examining this machine"):
        findings = examine()
    console.table(
        "swiftformer doctor",
        ["what", "state", "found", "advice"],
        [(f.name, f.state, f.found, f.advice) for f in findings],
    )
    healthy = all(f.state != "missing" for f in findings)
    console.print(
        "All that is required is there." if healthy else "Something required is missing; see above."
    )
    console.result({"healthy": healthy, "findings": [f.to_dict() for f in findings]})
    if not healthy:
        raise typer.Exit(2)
