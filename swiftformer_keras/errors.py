"""The one error tree: a user's mistake is one line that says what, where and what to do.

`exit_code` is what the command line returns: 2 for a mistake of the user, 3 for a stated bound that was
not met. Anything outside this tree that reaches the user is a bug (exit code 1).
"""


class SwiftFormerError(Exception):
    """Base of every error that is the input's fault, not ours."""

    exit_code = 2


class BoundNotMetError(SwiftFormerError):
    """A file differs from what it is compared with by more than the stated bound; a new one was not kept."""

    exit_code = 3


# --- model ------------------------------------------------------------------------------------------


class ConfigError(SwiftFormerError):
    """A configuration value makes no sense, or a preset does not exist."""


class ModelFileError(SwiftFormerError):
    """A .keras file cannot be read as one of this project's models."""


# --- checkpoints ------------------------------------------------------------------------------------


class CheckpointError(SwiftFormerError):
    """Base of everything wrong with a checkpoint file."""


class NotACheckpointError(CheckpointError):
    """Nothing known begins like this file (empty, a directory without weights, another format)."""


class TruncatedError(CheckpointError):
    """The file ends before what it announces."""


class UnsafePickleError(CheckpointError):
    """The pickle asks for something outside the allow-list; nothing of it was run."""


class MalformedPickleError(CheckpointError):
    """The pickle's opcodes do not make sense."""


class ZipStructureError(CheckpointError):
    """The zip archive is not laid out as torch writes it (names, compression, overlaps, sizes)."""


class StorageSizeError(CheckpointError):
    """A tensor claims more bytes than its storage entry holds, or a size, stride or offset overflows."""


class UnsupportedDtypeError(CheckpointError):
    """A tensor's element type is none that weights have."""


class SafetensorsHeaderError(CheckpointError):
    """The header of a safetensors file is not as the format demands."""


class JsonFileError(CheckpointError):
    """A JSON file beside the weights is malformed or not what it should be."""


class NoWeightsError(CheckpointError):
    """The file was read, but holds no tensors (or not the set that was asked for)."""


class EmptyFileError(NotACheckpointError):
    """The file has no bytes at all."""


class UnreadableFileError(CheckpointError):
    """The file does not exist, is no regular file, may not be read, or changed while it was read."""


class ChecksumError(CheckpointError):
    """The bytes of a zip entry are not those its checksum was computed from."""


class PickleLimitError(MalformedPickleError):
    """The pickle would grow beyond what a file of its size can mean."""


class ShardIndexError(CheckpointError):
    """The index of a sharded checkpoint does not fit the files it names."""


# --- layouts and loading ----------------------------------------------------------------------------


class LayoutError(CheckpointError):
    """The tensor names belong to no known SwiftFormer layout."""


class MismatchError(CheckpointError):
    """Tensors are missing, left over or of the wrong shape."""


class NonFiniteError(CheckpointError):
    """A tensor holds NaN or infinity."""


# --- pictures, labels, preprocessing ----------------------------------------------------------------


class PictureError(SwiftFormerError):
    """A picture cannot be read, or is too large to be one."""


class LabelsError(SwiftFormerError):
    """A label list cannot be read or does not fit the model."""


class PreprocessingError(SwiftFormerError):
    """A preprocessing setting is unknown or makes no sense."""


class CalibrationError(SwiftFormerError):
    """The pictures to calibrate with are too few, all alike, or none that a model is meant for."""


# --- TFLite -----------------------------------------------------------------------------------------


class TFLiteFileError(SwiftFormerError):
    """A .tflite file cannot be read, is damaged, or lacks what is needed."""


class MetadataError(TFLiteFileError):
    """A .tflite file has no metadata, or not what this project needs of it."""


class ComparisonError(SwiftFormerError):
    """Two models cannot be compared: other classes, another order of them, or scores that are no numbers."""


# --- the Android app ------------------------------------------------------------------------------


class AppOptionError(SwiftFormerError):
    """What an app is to be called, look like or hold makes no sense (application id, name, icon, ABI, library)."""


class ToolchainError(SwiftFormerError):
    """A build tool or library cannot be fetched, or is not the file whose checksum is known."""


class AppSourceError(SwiftFormerError):
    """The app's own sources are missing, do not compile, or ask for what the app must not have."""


class KeystoreError(SwiftFormerError):
    """The keystore cannot be read, its password is wrong, or its key cannot sign an app."""


class SignatureError(SwiftFormerError):
    """A signed APK does not verify."""


# --- phones -----------------------------------------------------------------------------------------


class DeviceError(SwiftFormerError):
    """Base of everything wrong with a phone or the way to it; itself: the phone refuses what was asked."""


class NoDeviceError(DeviceError):
    """No phone is connected, or none of this serial number."""


class SeveralDevicesError(DeviceError):
    """Several phones are connected and none was named."""


class DeviceNotReadyError(DeviceError):
    """The phone is connected and may not or cannot be used yet: unauthorised, offline, no permissions."""


class DeviceGoneError(DeviceError):
    """The phone went away in the middle of the work: cable pulled, reboot, network lost."""


class AdbServerError(DeviceError):
    """The adb server on this computer ended in the middle of the work, or cannot be started."""


class DeviceTimeoutError(DeviceError):
    """What ran on the phone did not end within its time limit."""


class DeviceAnswerError(DeviceError):
    """The phone's answer is cut short, too long, or not what was asked for."""


class DeviceStorageError(DeviceError):
    """The phone has no room for a file."""


class PushMismatchError(DeviceError):
    """The file on the phone is not the one that was sent."""


class DeviceToolError(DeviceError):
    """The phone lacks a program that is needed."""


class AffinityError(DeviceError):
    """A choice of cores that makes no sense, or that the phone does not have."""


class UnsafeTextError(DeviceError):
    """A name or word has characters that must not reach a phone's shell."""


# --- the benchmark ----------------------------------------------------------------------------------


class BenchmarkPlanError(SwiftFormerError):
    """What is to be measured makes no sense, or this runner or phone cannot do it."""


class BenchmarkRunnerError(SwiftFormerError):
    """The program that measures is missing on the phone, too old, or does not start there."""


class RunnerChangedError(BenchmarkRunnerError):
    """The program that measures is not the one that the run was begun with."""


class BenchmarkOutputError(SwiftFormerError):
    """What a program on the phone answered is cut short, damaged, or contradicts itself."""


class RunFileError(SwiftFormerError):
    """A run's JSON file cannot be read, is damaged, or is of another format or version."""


class RunsNotComparableError(SwiftFormerError):
    """Runs have no configuration in common, or are of different phones where one is needed."""


# --- files, network, machine ------------------------------------------------------------------------


class OutputError(SwiftFormerError):
    """An output exists already, or cannot be written."""


class HubError(SwiftFormerError):
    """A download failed, is not allowed offline, or is not the file that was recorded."""


class HubUnreachableError(HubError):
    """No connection to the hub, no answer in time, or the hub is out of order; a recorded copy may still do."""


class MissingToolError(SwiftFormerError):
    """An optional tool or package is not installed."""
