"""`swiftformer demo`: the whole way once, with the checkpoint that comes with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import ForceFlag, JsonFlag, QuietFlag
from swiftformer_keras.cli.text import file_size


def demo(
    out_dir: Annotated[str, typer.Argument(metavar="OUT_DIR", help="Folder for the files; made if absent.")],
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Convert the embedded Fashion-MNIST checkpoint, export it in all precisions and classify pictures."""
    console = Console("demo", as_json=json, quiet=quiet)
    from converters.demo import run_demo

    with console.progress("Running the demo") as progress:
        report = run_demo(out_dir, force=force, progress=progress)
    count = len(report.pictures)
    console.table(
        f"SwiftFormer-XS on {count} pictures of Fashion-MNIST",
        ["file", "size", "largest logit difference", "same answer as Keras", "right answer"],
        [
            (
                row.file,
                file_size(row.size_bytes),
                f"{row.largest_difference:.1e}",
                f"{row.agreeing} of {count}",
                f"{row.correct} of {count}",
            )
            for row in report.rows
        ],
    )
    console.note(f"The files are in {out_dir}; report.json there has these figures and what made them.")
    console.result(report.to_dict())
