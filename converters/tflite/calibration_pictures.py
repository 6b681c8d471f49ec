"""Which pictures of a source calibrate a model, and which are held out to measure it.

Every picture is looked at once and none is kept: the two parts are lists of what can be opened again by whoever needs
the pixels. A picture counts once however often the source holds it, so what measures the file is never among what
calibrated it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from converters.tflite.picture_sources import SourcePicture, find_source
from swiftformer_keras.errors import CalibrationError, ConfigError, PictureError
from swiftformer_keras.preprocessing import Preprocessing
from swiftformer_keras.shown import shown

Progress = Callable[[str, int, int], None]

MIN_PICTURES = 32
"""Different readable pictures that a folder must hold: 24 to calibrate with (16 cost 2 dB against 128, one costs
17 dB) and 8 to measure on."""

MAX_SAMPLES = 4096
"""Most pictures to calibrate with; from 128 on, more change nothing but the time it takes."""

HELD_OUT = 64
"""Pictures that are held out where no other number is asked for; a quarter where there are not enough for both."""

MAX_HELD_OUT = 2048
"""Most pictures to hold out: their prepared pixels are kept in memory, 300 MB at 224."""

FLAT_DEVIATION = 2.0
"""A picture whose values deviate less than this from their mean, of 255, is of one colour."""

NOISE_SHARE = 0.7
"""How much of the variance neighbouring values must differ by to be noise: half the mean squared difference over
the variance is 1 where neighbours know nothing of each other, below 0.1 in photographs and 0.45 in the busiest of
Fashion-MNIST (28 x 28)."""


@dataclasses.dataclass(frozen=True)
class CalibrationPictures:
    """The two parts of a source, and what was wrong with the rest.

    Attributes:
        calibration, held_out: pictures, in the order they are used in.
        sha256: of every picture's prepared pixels, in the order calibration, held out.
        warnings: a line for every picture that could not be read, and one for doubtful ones.
    """

    calibration: tuple[SourcePicture, ...]
    held_out: tuple[SourcePicture, ...]
    sha256: tuple[str, ...]
    warnings: tuple[str, ...]


def choose_pictures(
    source: Path | str,
    preprocessing: Preprocessing,
    *,
    samples: int,
    seed: int,
    held_out: int = HELD_OUT,
    progress: Progress | None = None,
) -> CalibrationPictures:
    """Pick pictures of a source in an order that the seed decides.

    Args:
        source: what `picture_sources.find_source` takes.
        samples: how many to calibrate with at most.
        held_out: how many to hold out at most; a quarter of the pictures where there are not enough for both.
        seed: of the order; the same source and seed give the same choice.
        progress: is told the step's name, and how many of how many pictures were looked at.

    Raises:
        ConfigError: `samples` makes no sense.
        PictureError: there is no such source, or it holds no pictures.
        CalibrationError: fewer than `MIN_PICTURES` different pictures can be read, or most are of one colour or
            noise.
    """
    least = MIN_PICTURES - MIN_PICTURES // 4
    if not least <= samples <= MAX_SAMPLES:
        raise ConfigError(f"calibration: samples must be {least} to {MAX_SAMPLES:,}, not {samples:,}")
    if not MIN_PICTURES // 4 <= held_out <= MAX_HELD_OUT:
        raise ConfigError(
            f"calibration: held_out must be {MIN_PICTURES // 4} to {MAX_HELD_OUT:,}, not {held_out:,}"
        )
    if seed < 0:
        raise ConfigError(f"calibration: the seed must be 0 or more, not {seed}")
    where, pictures = shown(source), find_source(source)
    found: dict[str, SourcePicture] = {}
    warnings: list[str] = []
    looked_at = flat = noise = 0
    for index in np.random.default_rng(seed).permutation(len(pictures)):
        if len(found) == samples + held_out:
            break
        if progress is not None:
            progress("reading the pictures", looked_at, min(len(pictures), samples + held_out))
        looked_at += 1
        try:
            digest, is_flat, is_noise = _look_at(pictures[index], preprocessing)
        except PictureError as error:
            warnings.append(f"{error} It was left out")
            continue
        if digest not in found:
            found[digest] = pictures[index]
            flat, noise = flat + is_flat, noise + is_noise
    _check_enough(where, len(found), looked_at, len(warnings), flat, noise)
    if flat or noise:
        kinds = [f"{count} {what}" for count, what in ((flat, "of one colour"), (noise, "noise")) if count]
        warnings.append(
            f"{where}: of {len(found)} pictures, {' and '.join(kinds)}. Look whether they belong there"
        )
    held = min(held_out, max(len(found) - samples, len(found) // 4))
    chosen = tuple(found.values())
    return CalibrationPictures(chosen[:-held][:samples], chosen[-held:], tuple(found), tuple(warnings))


def read_pixels(pictures: Sequence[SourcePicture], preprocessing: Preprocessing) -> Iterator[np.ndarray]:
    """Prepared pixels uint8 `(height, width, 3)`, one picture at a time.

    Raises:
        PictureError: a picture cannot be read any more.
    """
    from swiftformer_keras.preprocessing import apply

    for picture in pictures:
        yield apply(picture.open(), preprocessing)


def _look_at(source: SourcePicture, preprocessing: Preprocessing) -> tuple[str, bool, bool]:
    """Fingerprint of the prepared pixels, and whether the picture is of one colour or noise."""
    from swiftformer_keras.preprocessing import apply

    picture = source.open()
    pixels = apply(picture, preprocessing)
    flat, noise = _kind(pixels)
    if not flat and not noise and min(picture.size) >= 2:
        noise = _kind(np.asarray(picture.crop((0, 0, min(512, picture.width), min(512, picture.height)))))[1]
    return hashlib.sha256(pixels.tobytes()).hexdigest(), flat, noise


def _kind(pixels: np.ndarray) -> tuple[bool, bool]:
    """Whether pixels are of one colour, and whether they are noise."""
    values = pixels.astype(np.float32)
    variance = float(values.var(axis=(0, 1)).mean())
    if variance < FLAT_DEVIATION**2:
        return True, False
    apart = [float((np.diff(values, axis=axis) ** 2).mean()) / 2 / variance for axis in (0, 1)]
    return False, min(apart) > NOISE_SHARE


def _check_enough(where: str, found: int, looked_at: int, unreadable: int, flat: int, noise: int) -> None:
    """Raise what is wrong with the folder as a whole."""
    if found < MIN_PICTURES:
        why = f"{unreadable} could not be read" if unreadable else ""
        repeated = looked_at - unreadable - found
        if repeated:
            why += f"{' and ' if why else ''}{repeated} repeat another"
        raise CalibrationError(
            f"{where}: {found} different pictures can be used, at least {MIN_PICTURES} are needed"
            f"{f' ({why} of {looked_at})' if why else ''}. Give more pictures like those the model will see"
        )
    for count, what in ((flat, "are of one colour"), (noise, "are noise")):
        if count > found / 2:
            raise CalibrationError(
                f"{where}: {count} of {found} pictures {what}, so they say nothing of what the model will see. "
                "Give pictures like those it will see"
            )
