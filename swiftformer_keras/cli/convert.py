"""`swiftformer convert`: a PyTorch checkpoint to a .keras file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swiftformer_keras.cli.console import Console
from swiftformer_keras.cli.options import (
    ForceFlag,
    InputSize,
    JsonFlag,
    PreprocessingOption,
    QuietFlag,
    TokenWeights,
    WeightSet,
    parse_size,
)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="A .pth, .pt, .bin or .safetensors file, a Hugging Face or timm folder, or a hub name "
            "such as hf://timm/swiftformer_xs.dist_in1k.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.keras", help="The .keras file to write.")],
    input_size: InputSize = None,
    preprocessing: PreprocessingOption = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Class names: one a line, or JSON (list or id2label).")
    ] = None,
    token_weights: Annotated[
        TokenWeights | None,
        typer.Option(help="The attention the checkpoint was trained with; by default its layout's."),
    ] = None,
    weights: Annotated[
        WeightSet | None, typer.Option(help="Which set of a training file; EMA where there is one.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model's name; by default the source's.")] = None,
    allow_nonfinite: Annotated[
        bool, typer.Option("--allow-nonfinite", help="Accept weights that are NaN or infinite.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="For a hub name: take the newest commit and record it.")
    ] = False,
    force: ForceFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Convert a PyTorch checkpoint to a Keras model with the same logits."""
    console = Console("convert", as_json=json, quiet=quiet)
    size = parse_size(input_size)
    from converters.load import convert as convert_checkpoint

    with console.progress(f"Converting {source}") as progress:
        converted = convert_checkpoint(
            source,
            out,
            input_size=size,
            preprocessing=preprocessing,
            labels=labels,
            token_weights=token_weights.value if token_weights else None,
            weights=weights.value if weights else None,
            allow_nonfinite=allow_nonfinite,
            name=name,
            update=update,
            progress=progress,
            force=force,
        )
    for warning in converted.warnings:
        console.warn(warning)
    console.note(f"{out} is written: {converted.tensors} tensors are in their place.")
    console.note(*(f"  {d.what}: {d.value} ({d.reason})" for d in converted.decisions))
    console.result({"output": str(out), **converted.to_dict()})
