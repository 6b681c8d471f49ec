"""What a checkpoint says of itself: preprocessing, labels, author and licence, each with the reason it was taken.

An option of the user wins over the file's own word, and that over the layout's default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from swiftformer_keras import strict_json
from swiftformer_keras.errors import JsonFileError, MismatchError, PreprocessingError
from swiftformer_keras.labels import (
    as_labels,
    check_labels,
    imagenet_labels,
    labels_from_id2label,
    read_labels,
)
from swiftformer_keras.origin import Origin
from swiftformer_keras.preprocessing import (
    INPUT_SIZES,
    PREPROCESSINGS,
    Preprocessing,
    read_preprocessing_file,
)
from swiftformer_keras.published_preprocessing import from_timm_config, from_transformers_config
from swiftformer_keras.shown import shown

COMMIT_DIGITS = 12
"""Of a hub commit that stands for a version: enough to find it by, short enough to be read."""
_DEFAULT_PREPROCESSING = {"original": "authors", "timm": "timm", "transformers": "transformers"}


@dataclasses.dataclass(frozen=True)
class Decision:
    """One choice that was made for the user, with what it rests on."""

    what: str
    value: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Plain JSON types."""
        return dataclasses.asdict(self)


_ARITHMETIC: dict[str, tuple[object, ...]] = {
    "hidden_act": ("gelu",),
    "act_layer": ("gelu",),
    "batch_norm_eps": (1e-5,),
    "num_channels": (3,),
    "in_chans": (3,),
    "down_patch_size": (3,),
    "down_stride": (2,),
    "down_pad": (1,),
}
"""What config.json may say of the arithmetic between the weights; nothing in a tensor's shape would tell it."""


def check_arithmetic(config: Mapping[str, Any], where: str) -> None:
    """Refuse a file whose own configuration asks for another activation, epsilon or stride than this network has.

    Raises:
        MismatchError: it does; the weights would fit and the logits be wrong.
    """
    arguments = config.get("model_args")
    for said in (config, arguments if isinstance(arguments, dict) else {}):
        for field, allowed in _ARITHMETIC.items():
            if said.get(field, allowed[0]) not in allowed:
                raise MismatchError(
                    f"{where}: config.json says {field} is {shown(said[field], 60)!r}, but SwiftFormer's is "
                    f"{allowed[0]!r}; the logits would be wrong. Train it with {allowed[0]!r}, or correct config.json"
                )


LARGEST_SCALE = 1e6


def choose_training(
    config: Mapping[str, Any], layout: str, options: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[Decision]]:
    """What transformers' config.json says of training on, as fields of ours; inference knows nothing of it.

    transformers spreads the drop path over all blocks by their number, but gives it to those with attention
    only (`modeling_swiftformer.py`, `SwiftFormerStage`): our "encoder".

    Args:
        config: the file's own config.json.
        layout: only "transformers" is heard; timm's files say nothing of it.
        options: fields that the caller chose; they win.
        where: the file, for messages.

    Raises:
        JsonFileError: a value makes no sense.
    """
    if layout != "transformers":
        return {}, []
    chosen: dict[str, Any] = {}
    decisions = []
    for theirs, ours, usual, end in (
        ("drop_path_rate", "drop_path_rate", 0.0, 1),
        ("drop_mlp_rate", "mlp_dropout", 0.0, 1),
        ("layer_scale_init_value", "layer_scale_init", 1e-5, LARGEST_SCALE),
    ):
        value = config.get(theirs)
        if value is None or value == usual or ours in options:
            continue
        if type(value) not in (int, float) or not 0 <= value < end:
            raise JsonFileError(
                f"{where}: config.json says {theirs} is {shown(repr(value), 60)}, which is not in [0, {end:g}). "
                "Correct it"
            )
        chosen[ours] = float(value)
        blocks = " in the blocks with attention" if theirs == "drop_path_rate" else ""
        decisions.append(
            Decision(ours, f"{value:g}{blocks}", f"{theirs} of the file's config.json; in training only")
        )
    if "drop_path_rate" in chosen:
        chosen["drop_path_blocks"] = "encoder"
    if config.get("drop_conv_encoder_rate"):
        reason = "this network has no dropout in its ConvEncoders; in training only"
        decisions.append(Decision("drop_conv_encoder_rate", "left aside", reason))
    return chosen, decisions


def choose_preprocessing(
    option: str | Path | Preprocessing | None,
    input_size: int | tuple[int, int] | None,
    config: Mapping[str, Any],
    preprocessor_config: Mapping[str, Any],
    metadata: Mapping[str, str],
    layout: str,
    where: str,
) -> tuple[Preprocessing, list[Decision]]:
    """How pictures become this checkpoint's input, and why.

    Args:
        option: a published setting's name or a JSON file; wins over everything else.
        input_size: side in pixels, or (height, width); wins over the size that goes with the setting.
        config: the file's own config.json, empty where it has none; its `image_size` is used where nobody says more.
        preprocessor_config: the file's own preprocessor_config.json.
        metadata: the `__metadata__` of a safetensors file.
        layout: whose default is taken when nobody says anything.
        where: the file, for messages.

    Raises:
        PreprocessingError: a setting is unknown or makes no sense.
    """
    own_size = metadata.get("input_size") if option is None and not preprocessor_config else None
    if isinstance(option, Preprocessing):
        chosen, reason, name = option, "given as it is", "given"
    elif option is not None and str(option) in PREPROCESSINGS:
        chosen, reason = PREPROCESSINGS[str(option)], "asked for with --preprocessing"
        name = str(option)
    elif option is not None:
        chosen, reason, name = (
            read_preprocessing_file(Path(option)),
            "read from the given file",
            shown(Path(option).name),
        )
    elif preprocessor_config:
        chosen = _named(
            f"{where}: preprocessor_config.json", from_transformers_config, dict(preprocessor_config)
        )
        reason, name = "the file's own preprocessor_config.json says so", "of the file"
    elif isinstance(config.get("pretrained_cfg"), dict):
        chosen = _named(f"{where}: config.json", from_timm_config, config["pretrained_cfg"])
        reason, name = "the file's own config.json says so", "of the file"
    elif "preprocessing" in metadata:
        said = _object(metadata["preprocessing"], "preprocessing", where)
        chosen = _named(f"{where}: metadata", Preprocessing.from_dict, said)
        reason, name = "the file's own metadata says so", "of the file"
    else:
        name = _DEFAULT_PREPROCESSING[layout]
        chosen, reason = PREPROCESSINGS[name], f"the file does not say; this is usual for the {layout} layout"
        stated = config.get("image_size")
        if stated is not None and input_size is None and own_size is None:
            chosen = chosen.with_size(*_checked_size(stated, where, "of config.json's image_size"))
            reason = f"config.json's image_size; of the rest it does not say, and this is usual for the {layout} layout"
    decisions = [Decision("preprocessing", f"{name}: {describe(chosen)}", reason)]

    if input_size is not None:
        size = _checked_size(input_size, where, "asked for")
        reason = "asked for with --input-size"
    elif own_size is not None:
        if not own_size.isascii() or not own_size.isdigit() or len(own_size) > 9:
            raise PreprocessingError(
                f"{where}: metadata input_size is {shown(own_size, 60)!r}, not a number of pixels. "
                "Choose one with --input-size"
            )
        size = _checked_size(int(own_size), where, "of the metadata")
        reason = "the file's own metadata says so"
    else:
        return chosen, decisions
    decisions.append(Decision("input size", f"{size[0]} x {size[1]}", reason))
    return chosen.with_size(*size), decisions


def _checked_size(said: object, where: str, source: str) -> tuple[int, int]:
    """Height and width from one number of pixels, or from both."""
    sides = tuple(said) if isinstance(said, (list, tuple)) else (said, said)
    if len(sides) != 2 or not all(type(side) is int for side in sides):
        raise PreprocessingError(
            f"{where}: the input size {source} is {shown(repr(said), 60)}, neither a number of pixels nor "
            "height and width. Choose one with --input-size"
        )
    (height, width), (least, most) = sides, INPUT_SIZES
    if not (least <= height <= most and least <= width <= most):
        raise PreprocessingError(
            f"{where}: the input size {height} x {width} (height x width, {source}) is outside {least} to "
            f"{most} pixels. Choose another with --input-size"
        )
    return height, width


def describe(preprocessing: Preprocessing) -> str:
    """One line for people."""
    size = f"{preprocessing.height} x {preprocessing.width}"
    if preprocessing.resize == "squash":
        return f"squash to {size}, {preprocessing.filter}"
    return f"crop {preprocessing.crop_fraction:g} of the shorter side to {size}, {preprocessing.filter}"


def choose_labels(
    option: Path | Sequence[str] | None,
    config: Mapping[str, Any],
    metadata: Mapping[str, str],
    num_classes: int,
    where: str,
) -> tuple[tuple[str, ...] | None, Decision, str | None]:
    """The classes' names, why, and a warning when there are none.

    Raises:
        LabelsError: the given or the file's own labels do not fit the number of classes.
    """
    if isinstance(option, (list, tuple)):
        given = as_labels(option, num_classes)
        return given, Decision("labels", f"{num_classes} given", "given as they are"), None
    if option is not None:
        file = Path(str(option))
        labels = check_labels(read_labels(file), num_classes, shown(file))
        decision = Decision("labels", f"{num_classes} from {shown(file.name)}", "asked for with --labels")
        return labels, decision, None
    own: tuple[str, ...] | None = None
    if isinstance(config.get("id2label"), dict):
        own = labels_from_id2label(config["id2label"], f"{where}: id2label of config.json")
    elif isinstance(config.get("label_names"), list):
        own = as_labels(config["label_names"], num_classes, f"{where}: label_names of config.json")
    elif "labels" in metadata:
        said = _list(metadata["labels"], "labels", where)
        own = as_labels(said, num_classes, f"{where}: labels of the metadata")
    if own is not None:
        labels = check_labels(own, num_classes, where)
        return labels, Decision("labels", f"{num_classes} of the file", "the file brings them itself"), None
    if num_classes == len(imagenet_labels()):
        reason = "the file has none, and 1000 classes are ImageNet-1k's"
        return imagenet_labels(), Decision("labels", "ImageNet-1k, built in", reason), None
    decision = Decision("labels", "none", f"the file has none, and {num_classes} classes are no known list")
    return None, decision, f"{where}: no labels; classes will be numbers. Give names with --labels FILE"


def describe_origin(
    config: Mapping[str, Any], metadata: Mapping[str, str], known: Mapping[str, str], default_name: str
) -> Origin:
    """Name, author, licence and version from the source, else "unknown"; a hub's commit is a version too.

    Args:
        config: the file's own config.json.
        metadata: the `__metadata__` of a safetensors file.
        known: what the reader and the hub found out (file name, SHA-256, revision, …); wins.
        default_name: when the source names itself nowhere.
    """
    pretrained = config.get("pretrained_cfg")
    pretrained = pretrained if isinstance(pretrained, dict) else {}
    said = {
        "name": _first(metadata.get("name"), metadata.get("architecture"), pretrained.get("architecture")),
        "description": _first(metadata.get("description"), _trained_on(metadata.get("dataset"))),
        "author": _first(metadata.get("author"), pretrained.get("author")),
        "licence": _first(
            metadata.get("licence"), metadata.get("license"), pretrained.get("license"), config.get("license")
        ),
        "version": _first(metadata.get("version"), known.get("revision", "")[:COMMIT_DIGITS]),
        "url": _first(metadata.get("url"), pretrained.get("origin_url")),
    }
    values = {
        "name": default_name,
        **{k: v for k, v in said.items() if v},
        **{k: v for k, v in known.items() if v},
    }
    return Origin.from_dict({key: shown(value, 500) for key, value in values.items()})


def _trained_on(dataset: str | None) -> str:
    return (
        f"SwiftFormer image classifier trained on {dataset.strip()}." if dataset and dataset.strip() else ""
    )


def _first(*candidates: Any) -> str:
    return next((text for text in candidates if isinstance(text, str) and text.strip()), "")


def _named(
    place: str, read: Callable[[dict[str, Any]], Preprocessing], said: dict[str, Any]
) -> Preprocessing:
    """`read(said)`, with the place in front of what is wrong and the way out behind it."""
    try:
        return read(said)
    except PreprocessingError as error:
        raise PreprocessingError(f"{place}: {error}. Choose one with --preprocessing") from None


def _json(text: str, what: str, where: str) -> Any:
    try:
        return strict_json.parse(text)
    except ValueError:
        raise JsonFileError(
            f"{where}: the metadata's {what} is no JSON; give it as an option instead"
        ) from None


def _object(text: str, what: str, where: str) -> dict[str, Any]:
    value = _json(text, what, where)
    if not isinstance(value, dict):
        raise JsonFileError(f"{where}: the metadata's {what} is no JSON object; give it as an option instead")
    return value


def _list(text: str, what: str, where: str) -> list[Any]:
    value = _json(text, what, where)
    if not isinstance(value, list):
        raise JsonFileError(f"{where}: the metadata's {what} is no JSON list; give it as an option instead")
    return value
