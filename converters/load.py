"""A checkpoint's arrays into a Keras model, with a full account of what matched and what was chosen."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from converters import layouts
from converters.assign import assign, prepare
from converters.checkpoints import Checkpoint, read_checkpoint
from converters.described import (
    Decision,
    check_arithmetic,
    choose_labels,
    choose_preprocessing,
    choose_training,
    describe_origin,
)
from swiftformer_keras.backend import check_keras, import_keras
from swiftformer_keras.config import SwiftFormerConfig, TokenWeights
from swiftformer_keras.errors import ConfigError, LabelsError, LayoutError, PreprocessingError
from swiftformer_keras.files import check_output, fingerprint, sidecar, write_with_record
from swiftformer_keras.preprocessing import PREPROCESSINGS, Preprocessing
from swiftformer_keras.shown import shown
from swiftformer_keras.weights import backbone_shapes, classifier_shapes

if TYPE_CHECKING:
    from swiftformer_keras.backbone import SwiftFormerBackbone
    from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

_HEAD_NAMES = ("norm/", "head/", "head_dist/")
MODEL_OPTIONS = (
    "return_heads",
    "dtype",
    "num_classes",
    "drop_path_rate",
    "drop_path_blocks",
    "dropout",
    "mlp_dropout",
)
"""What may be chosen for a model that has its weights from a file: arguments and fields that have none."""
_OF_THE_HEADS = ("return_heads", "num_classes", "dropout")


@dataclasses.dataclass(frozen=True)
class Converted:
    """What loading a checkpoint came to.

    Attributes:
        model: a classifier, or a backbone where the file has no head.
        decisions: every choice that was made, with its reason.
        warnings: what the user should know.
        tensors: how many of the file's tensors are in the model.
    """

    model: SwiftFormerImageClassifier | SwiftFormerBackbone
    decisions: tuple[Decision, ...]
    warnings: tuple[str, ...]
    tensors: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the weights."""
        origin = self.model.origin
        return {
            "variant": self.model.config.variant,
            "config": self.model.config.to_dict(),
            "parameters": int(self.model.count_params()),
            "tensors": self.tensors,
            "origin": origin.to_dict() if origin else None,
            "decisions": [decision.to_dict() for decision in self.decisions],
            "warnings": list(self.warnings),
        }


def load_checkpoint(
    source: str | Path,
    *,
    input_size: int | tuple[int, int] | None = None,
    preprocessing: str | Path | Preprocessing | None = None,
    labels: Path | Sequence[str] | None = None,
    token_weights: TokenWeights | None = None,
    weights: Literal["model", "ema"] | None = None,
    allow_nonfinite: bool = False,
    backbone_only: bool = False,
    model_class: type[Any] | None = None,
    name: str | None = None,
    facts: Mapping[str, str] | None = None,
    reasons: Mapping[str, str] | None = None,
    model_options: Mapping[str, Any] | None = None,
    update: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Converted:
    """Read a checkpoint file, a folder or a hub name into a Keras model.

    Args:
        source: path, or a hub name (the only case in which the network is touched).
        input_size: side in pixels, or (height, width), of the preprocessing.
        preprocessing: "timm", "authors", "transformers", a JSON file, or the contract itself.
        labels: a file with one name a class, or the names.
        token_weights: overrides what follows from the layout.
        weights: which set of a training file; the moving average ("ema") where there is one.
        allow_nonfinite: load NaN and infinity instead of refusing them.
        backbone_only: leave the head aside.
        model_class: what to build, in place of `SwiftFormerImageClassifier` or, with `backbone_only`, of
            `SwiftFormerBackbone`: a subclass with the same arguments.
        name: of the model, when the source has none.
        facts: what the caller knows of the source besides: fields of `Origin`, which win over the file's word.
        reasons: by what is decided, the reason in place of "asked for with" an option; for a caller that is not
            the command line.
        model_options: for training on: any of `MODEL_OPTIONS`. Another `num_classes` than the file's gives the
            model new, random heads. Without `dtype` the model is float32 under every global policy.
        update: for a hub name, accept the newest commit instead of the recorded one.
        progress: for a hub name, is told a file's name, its bytes so far and its size.

    Raises:
        CheckpointError: the file cannot be read, or is no SwiftFormer.
        PreprocessingError, LabelsError: an option or the file's own word makes no sense.
        ConfigError: there is no such option or a backbone has no use for it, or `model_class` is a classifier
            and the file has no head.
        HubError: the download failed.
        MissingToolError: Keras' backend is missing.
    """
    check_keras()
    path, known, hub_decisions, notes = _resolve(source, update, progress)
    checkpoint = read_checkpoint(path, weights=weights)
    where = shown(path)
    check_arithmetic(checkpoint.config or {}, where)
    layout = _with_place(where, lambda: layouts.detect_layout(checkpoint.tensors))
    mapping = _with_place(where, lambda: layouts.rename(checkpoint.tensors, layout))
    arrays = {ours: checkpoint.tensors[theirs] for theirs, ours in mapping.items()}
    chosen_weights = token_weights or layout.token_weights
    config = _with_place(
        where, lambda: layouts.infer_config({k: v.shape for k, v in arrays.items()}, chosen_weights)
    )
    training, training_decisions = choose_training(
        checkpoint.config or {}, layout.name, model_options or {}, where
    )
    config = config.replace(**training)
    own_classes = config.num_classes
    config, arguments = _with_options(config, model_options or {})
    new_heads = layouts.has_head(arrays) and config.num_classes != own_classes
    is_backbone = backbone_only or config.feature_norms or not layouts.has_head(arrays)
    if is_backbone and model_class is not None and not backbone_only:
        raise ConfigError(
            f"{where}: has no classification head; load it with SwiftFormerBackbone.from_checkpoint"
        )
    if is_backbone:
        _refuse_options_of_heads(where, labels, model_options or {})
    aside = _HEAD_NAMES if is_backbone else ("head/", "head_dist/") if new_heads else ()
    left_aside = [ours for ours in arrays if ours.startswith(aside)] if aside else []
    names = {ours: theirs for theirs, ours in mapping.items() if ours not in left_aside}
    shapes = backbone_shapes(config) if is_backbone else classifier_shapes(config)
    values = prepare(
        {ours: arrays[ours] for ours in names},
        {ours: shape for ours, shape in shapes.items() if not aside or not ours.startswith(aside)},
        names,
        where,
        allow_nonfinite=allow_nonfinite,
    )

    own_config, own_preprocessor = checkpoint.config or {}, checkpoint.preprocessor_config or {}
    contract, contract_decisions = choose_preprocessing(
        preprocessing, input_size, own_config, own_preprocessor, checkpoint.metadata, layout.name, where
    )
    found = {
        "file_name": checkpoint.file_name,
        "sha256": checkpoint.sha256,
        "container": checkpoint.container,
        "layout": layout.name,
        "weights": checkpoint.weights,
        **known,
        **(facts or {}),
    }
    origin = describe_origin(own_config, checkpoint.metadata, found, name or _default_name(path, config))
    decisions = [
        *hub_decisions,
        *_decisions(checkpoint, layout, config, token_weights, weights, left_aside, is_backbone),
        *training_decisions,
        *contract_decisions,
    ]
    warnings = list(notes)
    model: SwiftFormerBackbone | SwiftFormerImageClassifier
    import_keras()
    if is_backbone:
        from swiftformer_keras.backbone import SwiftFormerBackbone

        build = model_class or SwiftFormerBackbone
        model = build(config, preprocessing=contract, origin=origin, **arguments)
    else:
        from swiftformer_keras.tasks.image_classifier import SwiftFormerImageClassifier

        names_of_classes, decision, warning = choose_labels(
            labels,
            {} if new_heads else own_config,
            {} if new_heads else checkpoint.metadata,
            config.num_classes,
            where,
        )
        decisions.append(decision)
        warnings += [warning] if warning else []
        build = model_class or SwiftFormerImageClassifier
        model = build(config, preprocessing=contract, labels=names_of_classes, origin=origin, **arguments)
    assign(model, values, new=left_aside if new_heads and not is_backbone else ())
    told = tuple(dataclasses.replace(d, reason=(reasons or {}).get(d.what, d.reason)) for d in decisions)
    return Converted(model, told, tuple(warnings), len(values))


def split_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a `from_checkpoint` as `load_checkpoint` takes them.

    Raises:
        ConfigError: there is no such option.
    """
    own = {"source", "backbone_only", "model_class", "model_options"}
    known = set(inspect.signature(load_checkpoint).parameters) - own
    if unknown := sorted(set(options) - known - set(MODEL_OPTIONS)):
        raise ConfigError(
            f"no option {unknown[0]!r}; there are {', '.join(sorted(known))}, {', '.join(MODEL_OPTIONS)}"
        )
    plain = {key: value for key, value in options.items() if key in known}
    return {**plain, "model_options": {key: options[key] for key in MODEL_OPTIONS if key in options}}


def convert(source: str | Path, out: Path, *, force: bool = False, **options: Any) -> Converted:
    """Load a checkpoint and write it as a `.keras` file, with a JSON record of where it came from beside it.

    Raises:
        OutputError: `out` may not be written.
        Otherwise as `load_checkpoint`.
    """
    if out.suffix != ".keras":
        raise ConfigError(f"{shown(out)}: a Keras model's file name ends in .keras")
    check_output(out, force=force)
    check_output(sidecar(out), force=force)
    converted = load_checkpoint(source, **options)
    settings = _settings(options)  # which reads files: within the block their errors would be the output's
    with write_with_record(out, force=force) as (temporary, record):
        converted.model.save(temporary)
        record.update(settings=settings, **converted.to_dict())
    return converted


def _with_options(
    config: SwiftFormerConfig, options: Mapping[str, Any]
) -> tuple[SwiftFormerConfig, dict[str, Any]]:
    """The configuration with the options that are fields of it, and the others, which the constructor takes.

    Raises:
        ConfigError: there is no such option.
    """
    if unknown := sorted(set(options) - set(MODEL_OPTIONS)):
        raise ConfigError(f"no option {unknown[0]!r}; there are {', '.join(MODEL_OPTIONS)}")
    arguments = {key: options[key] for key in ("return_heads", "dtype") if key in options}
    config = config.replace(**{key: options[key] for key in options if key not in arguments})
    # The checkpoint's own logits, whatever floatx or dtype policy the user's keras.json sets.
    return config, {**arguments, "dtype": arguments.get("dtype") or "float32"}


def _refuse_options_of_heads(where: str, labels: object, options: Mapping[str, Any]) -> None:
    """What only a classifier heeds would be dropped without a word.

    Raises:
        ConfigError: such an option is given.
    """
    given = [
        *(["labels"] if labels is not None else []),
        *(name for name in _OF_THE_HEADS if name in options),
    ]
    if given:
        raise ConfigError(
            f"{where}: becomes a backbone, which has no classes and takes no {given[0]}. Leave that option out"
        )


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as plain JSON types; a file that was given by its name and SHA-256, wherever it lay.

    Raises:
        LabelsError, PreprocessingError: such a file has gone since it was read.
    """
    plain = {k: v for k, v in options.items() if v and k not in ("progress", "reasons", "model_class")}
    for option, kind in (("labels", LabelsError), ("preprocessing", PreprocessingError)):
        if isinstance(plain.get(option), Preprocessing):
            plain[option] = plain[option].to_dict()
        elif isinstance(plain.get(option), (list, tuple)):
            plain[option] = list(plain[option])
        elif option in plain and not (option == "preprocessing" and str(plain[option]) in PREPROCESSINGS):
            try:
                plain[option] = fingerprint(Path(plain[option]))
            except OSError as error:
                reason = error.strerror or "gone"
                raise kind(f"{shown(plain[option])}: cannot be read any more ({reason}). Try again") from None
    if "facts" in plain:
        plain["facts"] = dict(plain["facts"])
    return plain


def _resolve(
    source: str | Path, update: bool, progress: Callable[[str, int, int], None] | None
) -> tuple[Path, dict[str, str], list[Decision], tuple[str, ...]]:
    """The local path of a source, what the hub knows of it, and what it has to say to the user."""
    from converters.hub.names import is_hub_name
    from converters.hub.pinned import fetch

    if not is_hub_name(source):
        return Path(source), {}, [], ()
    snapshot = fetch(str(source), update=update, progress=progress)
    reason = "the newest, as asked for" if update else "pinned by the record of downloads"
    return (
        snapshot.folder,
        snapshot.origin(),
        [Decision("hub commit", snapshot.commit, reason)],
        snapshot.notes,
    )


def _decisions(
    checkpoint: Checkpoint,
    layout: layouts.Layout,
    config: SwiftFormerConfig,
    token_weights: TokenWeights | None,
    weights: str | None,
    left_aside: list[str],
    is_backbone: bool,
) -> list[Decision]:
    reason = "asked for with --token-weights" if token_weights else layout.reason
    heads = "no head" if is_backbone else f"{config.heads} head(s), {config.num_classes} classes"
    found = [
        Decision("layout", layout.name, "recognised by the tensors' names"),
        Decision("variant", f"{config.variant}, {heads}", "recognised by the tensors' shapes"),
        Decision("token weights", config.token_weights, reason),
    ]
    if weights or checkpoint.weights == "ema":
        reason = (
            "asked for with --weights"
            if weights
            else "the file has a moving average, which is the better set"
        )
        found.append(Decision("weights", checkpoint.weights, reason))
    if checkpoint.left_aside:
        parts = ", ".join(dict.fromkeys(name.split(".")[0] for name in checkpoint.left_aside))
        found.append(
            Decision(
                "other parts",
                f"{len(checkpoint.left_aside)} tensors left aside ({shown(parts, 100)})",
                "the file holds more than the network: a detector's other parts, or counters of an average",
            )
        )
    if left_aside:
        found.append(
            Decision("left aside", f"{len(left_aside)} tensors", "a backbone has no norm and no head")
        )
    return found


def _default_name(path: Path, config: SwiftFormerConfig) -> str:
    return config.variant if config.variant != "custom" else shown(path.stem)


def _with_place(where: str, call: Any) -> Any:
    """Errors of the pure functions do not know the file; here it is put in front."""
    try:
        return call()
    except LayoutError as error:
        raise type(error)(f"{where}: {error}") from None
