"""Signing and verifying: whose key, and what the JDK does with it.

Without a keystore a debug key is made on first use in the user's own folder. A release key's password comes from the
environment or from a prompt; it goes to the JDK through a pipe and appears in no argument list, message or file.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from converters.android.jdk import HELPERS, Jdk, run
from converters.android.manifest import MIN_SDK
from converters.android.signing_block import (
    ALGORITHMS,
    V2_ID,
    V3_ID,
    algorithm_for,
    content_digest,
    read_block,
    signed_data,
    signer,
    split,
    with_block,
)
from converters.android.toolchain import Toolchain
from converters.hub.record import home
from swiftformer_keras.errors import KeystoreError, SignatureError
from swiftformer_keras.shown import shown

PASSWORD_VARIABLE = "SWIFTFORMER_KEYSTORE_PASSWORD"
KEY_PASSWORD_VARIABLE = "SWIFTFORMER_KEY_PASSWORD"
_DEBUG_PASSWORD = "android"  # as Android's own tools have it; it protects nothing
_DEBUG_ALIAS = "androiddebugkey"
_DEBUG_DAYS = "10957"
_TIMEOUT_S = 120.0
_UNDECODABLE = re.compile("[\ud800-\udfff]")
"""What Python makes of an argument's or a variable's bytes that are not UTF-8."""

Prompt = Callable[[str], str]
"""Takes a question, and gives its answer."""


@dataclasses.dataclass(frozen=True)
class SigningKey:
    """A key in a keystore; the passwords are shown by no `repr`."""

    keystore: Path
    alias: str = ""
    debug: bool = False
    password: str = dataclasses.field(default="", repr=False)
    key_password: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True)
class SignedBy:
    """Who signed, and who has verified it."""

    certificate_sha256: str
    algorithm: str
    schemes: tuple[int, ...]
    verified_by: tuple[str, ...]


def debug_key(jdk: Jdk, folder: Path | None = None) -> SigningKey:
    """The user's debug key, made where there is none yet.

    Raises:
        KeystoreError: it cannot be made or read.
    """
    folder = home("state") / "android" if folder is None else folder
    path = folder / "debug.p12"
    try:
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            _make_debug_key(jdk, path)
    except OSError as error:
        raise KeystoreError(
            f"{shown(folder)}: the debug key cannot be kept there: {error.strerror}"
        ) from None
    _check_readable(path)
    return SigningKey(path, _DEBUG_ALIAS, True, _DEBUG_PASSWORD)


def _make_debug_key(jdk: Jdk, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".key-") as scratch:
        made = Path(scratch) / path.name
        arguments: list[str | Path] = [jdk.keytool, "-genkeypair", "-keystore", made, "-storetype", "PKCS12"]
        arguments += ["-storepass:env", PASSWORD_VARIABLE, "-alias", _DEBUG_ALIAS]
        arguments += ["-keyalg", "RSA", "-keysize", "2048", "-sigalg", "SHA256withRSA"]
        arguments += ["-validity", _DEBUG_DAYS, "-dname", "CN=Android Debug,O=Android,C=US"]
        run(arguments, "keytool", KeystoreError, environment={PASSWORD_VARIABLE: _DEBUG_PASSWORD})
        made.chmod(0o600)
        made.replace(path)


def release_key(keystore: Path, alias: str | None, prompt: Prompt | None) -> SigningKey:
    """The user's own key.

    Args:
        alias: its name in the keystore; may be None where there is only one.
        prompt: asks for a password without showing it; None where nobody can be asked.

    Raises:
        KeystoreError: there is no such file, it cannot be read, or there is no password for it.
    """
    _check_readable(keystore)
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and prompt is not None:
        password = _answer_to(prompt, keystore)
    if not password:
        raise KeystoreError(
            f"{shown(keystore)}: its password is not known. Set {PASSWORD_VARIABLE}, or run it on a "
            "terminal to be asked"
        )
    key_password = os.environ.get(KEY_PASSWORD_VARIABLE, "")
    for text, what in (
        (password, "password"),
        (key_password, "key's password"),
        (alias or "", "key's name"),
    ):
        if _UNDECODABLE.search(text):
            raise _no_text(keystore, what)
    return SigningKey(keystore, alias or "", False, password, key_password)


def ask_on_terminal(asking: Callable[[Prompt], Prompt]) -> Prompt | None:
    """A prompt, where there is somebody to ask.

    Args:
        asking: keeps the terminal free for as long as a prompt is asking.
    """
    if not sys.stdin.isatty():
        return None
    from getpass import getpass

    return asking(getpass)


def _answer_to(prompt: Prompt, keystore: Path) -> str:
    """What was answered; nothing where the input came to its end."""
    try:
        return prompt(f"Password of {shown(keystore)}: ")
    except EOFError:
        return ""
    except UnicodeDecodeError:
        raise _no_text(keystore, "password") from None


def _no_text(keystore: Path, what: str) -> KeystoreError:
    return KeystoreError(f"{shown(keystore)}: its {what} as given is not UTF-8. Give it in that encoding")


def _check_readable(keystore: Path) -> None:
    try:
        if not keystore.is_file():
            raise KeystoreError(
                f"{shown(keystore)}: there is no such keystore. keytool -genkeypair makes one"
            )
        with open(keystore, "rb"):
            pass
    except OSError as error:
        raise KeystoreError(f"{shown(keystore)}: cannot be read: {error.strerror}") from None


def check_key(jdk: Jdk, key: SigningKey) -> None:
    """Refuse before any long work a key that could not sign at its end.

    Raises:
        KeystoreError, SignatureError: as `sign`.
    """
    with _KeyProcess(jdk, key) as process:
        algorithm_for(process.key_type, process.key_bits)


def sign(jdk: Jdk, apk: bytes, key: SigningKey) -> bytes:
    """The APK with signatures of scheme 2 and 3.

    Raises:
        KeystoreError: the keystore cannot be read, a password is wrong, or there is no such key.
        SignatureError: the key is of a kind that cannot sign apps.
    """
    sections = split(apk)
    with _KeyProcess(jdk, key) as process:
        algorithm = algorithm_for(process.key_type, process.key_bits)
        digest = content_digest(sections, algorithm.digest)
        values = {}
        for version, number in ((2, V2_ID), (3, V3_ID)):
            signed = signed_data(version, algorithm, digest, process.certificates)
            signature = process.sign(algorithm.java_name, signed)
            values[number] = signer(version, algorithm, signed, signature, process.public_key)
    return with_block(sections, values)


def verify(jdk: Jdk, tools: Toolchain, apk: Path) -> SignedBy:
    """Verify scheme 2 with apksig and scheme 3 with the JDK; and both with apksigner, where it is installed.

    Raises:
        SignatureError: one does not verify.
    """
    data = apk.read_bytes()
    sections, values = read_block(data)
    if set(values) < {V2_ID, V3_ID}:
        raise SignatureError("the APK lacks the signature of scheme 2 or 3")
    signed, signature, number, digest, certificate = _read_signer(values[V3_ID])
    algorithm = next((a for a in ALGORITHMS if a.number == number), None)
    if algorithm is None or content_digest(sections, algorithm.digest) != digest:
        raise SignatureError("scheme 3: the APK's contents are not those that were signed")
    verified_by = ["apksig 2.3.0 (scheme 2)", "the JDK (scheme 3)"]
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / name for name in ("certificate", "signed", "signature")]
        for file, content in zip(files, (certificate, signed, signature), strict=True):
            file.write_bytes(content)
        class_path = os.pathsep.join(map(str, tools.files("verifier")))
        arguments: list[str | Path] = [
            jdk.java,
            "-cp",
            class_path,
            HELPERS / "Verify.java",
            apk,
            str(MIN_SDK),
        ]
        said = run([*arguments, *files, algorithm.java_name], "Verifying", SignatureError)
        if "verified" not in said.splitlines():
            raise SignatureError(f"the signed APK does not verify: {shown(' '.join(said.split()), 300)}")
    if (program := shutil.which("apksigner")) is not None:
        run([program, "verify", "--min-sdk-version", str(MIN_SDK), apk], "apksigner verify", SignatureError)
        verified_by.append("apksigner (schemes 2 and 3)")
    return SignedBy(hashlib.sha256(certificate).hexdigest(), algorithm.java_name, (2, 3), tuple(verified_by))


def _read_signer(value: bytes) -> tuple[bytes, bytes, int, bytes, bytes]:
    """Of a scheme 3 block with one signer: signed data, signature, algorithm, content digest, first certificate."""

    def take(data: bytes) -> tuple[bytes, bytes]:
        (size,) = struct.unpack_from("<I", data)
        return data[4 : 4 + size], data[4 + size :]

    try:
        one, _ = take(take(value)[0])
        signed, rest = take(one)
        signatures, _ = take(rest[8:])
        record, _ = take(signatures)
        digests, rest = take(signed)
        digest_record, _ = take(digests)
        certificate, _ = take(take(rest)[0])
        (number,) = struct.unpack_from("<I", record)
        return signed, take(record[4:])[0], number, take(digest_record[4:])[0], certificate
    except struct.error:
        raise SignatureError("scheme 3: the signature's structure is damaged") from None


class _KeyProcess:
    """`java/Sign.java` while it runs."""

    def __init__(self, jdk: Jdk, key: SigningKey) -> None:
        self._key = key
        try:
            self._process = subprocess.Popen(
                [str(jdk.java), "-XX:TieredStopAtLevel=1", str(HELPERS / "Sign.java"), str(key.keystore)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="ascii",
            )
        except OSError as error:
            raise KeystoreError(f"java cannot be started: {error.strerror}") from None

    def __enter__(self) -> _KeyProcess:
        try:
            secrets = (self._key.password, self._key.key_password, self._key.alias)
            self._tell(*(_encoded(text.encode()) for text in secrets))
            self.key_type, bits = self._answer("key").split()
            self.key_bits = int(bits)
            self.certificates = [base64.b64decode(word) for word in self._answer("chain").split()]
            self.public_key = base64.b64decode(self._answer("public"))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def sign(self, algorithm: str, content: bytes) -> bytes:
        self._tell(f"{algorithm} {_encoded(content)}")
        return base64.b64decode(self._answer("signature"))

    def _tell(self, *lines: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what it said before it ended is read next
            self._process.stdin.write("".join(f"{line}\n" for line in lines))
            self._process.stdin.flush()

    def _answer(self, wanted: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().rstrip("\n")
        kind, _, rest = line.partition(" ")
        if kind == wanted:
            return rest
        raise self._problem(rest if kind == "problem" else "")

    def _problem(self, kind: str) -> KeystoreError:
        where = shown(self._key.keystore)
        if self._key.debug and kind:  # where Java said nothing, it need not be the key
            return KeystoreError(
                f"{where}: holds no debug key that can be used. Move it away, and the next build makes one; a phone "
                "takes an app of the new key only after the old one's is uninstalled"
            )
        if kind.startswith("alias "):
            names = base64.b64decode(kind.removeprefix("alias ")).decode("utf-8", "replace")
            if not self._key.alias:
                return KeystoreError(f"{where}: has several keys: {shown(names)}. Name one with --key-alias")
            return KeystoreError(f"{where}: has no key {shown(self._key.alias)!r}; it has {shown(names)}")
        return KeystoreError(
            {
                "password": f"{where}: the password is wrong. Set {PASSWORD_VARIABLE} to the keystore's",
                "key-password": f"{where}: the key has a password of its own. Set {KEY_PASSWORD_VARIABLE}",
                "format": f"{where}: is no keystore (PKCS12 or JKS)",
                "empty": f"{where}: has no private key in it. keytool -genkeypair makes one",
                "pair": f"{where}: the key and its certificate do not belong together",
            }.get(kind, f"{where}: Java could not read or use it")
        )

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
