"""Signatures: verified by Android's own apksigner, and refused once a byte is changed; keys of every kind."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.android import signing
from converters.android.apk import Entry, pack
from converters.android.jdk import Jdk
from converters.android.signing import SigningKey, check_key, debug_key, release_key, sign, verify
from swiftformer_keras.errors import KeystoreError, SignatureError
from tests.converters.android.tools import needed_jdk, needed_program, needed_toolchain
from tests.harness import assert_refused

PASSWORD = "correct horse, battery"
MakeStore = Callable[..., Path]


@pytest.fixture(scope="module")
def jdk() -> Jdk:
    return needed_jdk()


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("unsigned") / "x.apk"
    pack([Entry("AndroidManifest.xml", _manifest()), Entry("classes.dex", os.urandom(3_000_000))], path)
    return path.read_bytes()


def _manifest() -> bytes:
    """The smallest binary manifest: verifiers ask it for the lowest Android."""
    tools = needed_toolchain()
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "AndroidManifest.xml"
        text.write_text(
            '<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="a.b">'
            '<uses-sdk android:minSdkVersion="26" /></manifest>'
        )
        made = Path(folder) / "base.apk"
        subprocess.run(
            [tools.aapt2, "link", "-I", tools.framework, "--manifest", text, "-o", made],
            check=True,
            capture_output=True,
        )
        import zipfile

        with zipfile.ZipFile(made) as archive:
            return archive.read("AndroidManifest.xml")


@pytest.fixture
def store(jdk: Jdk, tmp_path: Path) -> MakeStore:
    def make(
        name: str = "keys.p12",
        aliases: tuple[str, ...] = ("one",),
        kind: str = "PKCS12",
        key: tuple[str, ...] = (),
    ) -> Path:
        path = tmp_path / name
        for alias in aliases:
            subprocess.run(
                [
                    *(str(jdk.keytool), "-genkeypair", "-keystore", str(path), "-storetype", kind),
                    *("-storepass:env", "P", "-keypass:env", "P", "-alias", alias, "-dname", "CN=Test"),
                    *(key or ("-keyalg", "RSA", "-keysize", "2048")),
                ],
                env={**os.environ, "P": PASSWORD},
                check=True,
                capture_output=True,
            )
        return path

    return make


def signed_with(jdk: Jdk, key: SigningKey, unsigned: bytes, folder: Path) -> Path:
    path = folder / "signed.apk"
    path.write_bytes(sign(jdk, unsigned, key))
    return path


@pytest.mark.parametrize(
    ("kind", "key", "algorithm"),
    [
        ("PKCS12", ("-keyalg", "RSA", "-keysize", "2048"), "SHA256withRSA"),
        ("JKS", ("-keyalg", "RSA", "-keysize", "4096"), "SHA512withRSA"),
        ("PKCS12", ("-keyalg", "EC", "-groupname", "secp256r1"), "SHA256withECDSA"),
        ("PKCS12", ("-keyalg", "EC", "-groupname", "secp384r1"), "SHA512withECDSA"),
    ],
)
def test_apksigner_verifies(
    jdk: Jdk,
    store: MakeStore,
    unsigned: bytes,
    tmp_path: Path,
    kind: str,
    key: tuple[str, ...],
    algorithm: str,
) -> None:
    apksigner = needed_program("apksigner", "apksigner")
    tools = needed_toolchain()
    path = signed_with(jdk, SigningKey(store(kind=kind, key=key), password=PASSWORD), unsigned, tmp_path)
    said = subprocess.run(
        [apksigner, "verify", "-v", "--print-certs", path], capture_output=True, text=True, check=True
    ).stdout
    assert "Verified using v2 scheme (APK Signature Scheme v2): true" in said
    assert "Verified using v3 scheme (APK Signature Scheme v3): true" in said
    by = verify(jdk, tools, path)
    assert by.algorithm == algorithm
    assert by.schemes == (2, 3)
    assert f"certificate SHA-256 digest: {by.certificate_sha256}" in said


def test_the_same_key_gives_the_same_bytes(jdk: Jdk, store: MakeStore, unsigned: bytes) -> None:
    key = SigningKey(store(), password=PASSWORD)
    assert sign(jdk, unsigned, key) == sign(jdk, unsigned, key)


@pytest.mark.parametrize("where", [200_000, -60])
def test_a_changed_byte_is_found(
    jdk: Jdk, store: MakeStore, unsigned: bytes, tmp_path: Path, where: int
) -> None:
    tools = needed_toolchain()
    path = signed_with(jdk, SigningKey(store(), password=PASSWORD), unsigned, tmp_path)
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)
    assert_refused(SignatureError, lambda: verify(jdk, tools, path))


def test_without_signatures(jdk: Jdk, unsigned: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.apk"
    path.write_bytes(unsigned)
    assert_refused(SignatureError, lambda: verify(jdk, needed_toolchain(), path), "no signing block")


def test_wrong_passwords_and_files(jdk: Jdk, store: MakeStore, unsigned: bytes, tmp_path: Path) -> None:
    keystore = store()
    assert_refused(
        KeystoreError,
        lambda: sign(jdk, unsigned, SigningKey(keystore, password="wrong")),
        "keys.p12",
        "password is wrong",
    )
    text = tmp_path / "text.p12"
    text.write_text("no keystore")
    assert_refused(
        KeystoreError,
        lambda: sign(jdk, unsigned, SigningKey(text, password="x")),
        "text.p12",
        "is no keystore",
    )


def test_a_key_is_tried_before_any_work(jdk: Jdk, store: MakeStore) -> None:
    keystore = store()
    check_key(jdk, SigningKey(keystore, password=PASSWORD))
    wrong = SigningKey(keystore, password="wrong")
    assert_refused(KeystoreError, lambda: check_key(jdk, wrong), "keys.p12", "password is wrong")


def test_several_keys(jdk: Jdk, store: MakeStore, unsigned: bytes) -> None:
    keystore = store(aliases=("one", "two"))
    unnamed, wrong = (SigningKey(keystore, alias, password=PASSWORD) for alias in ("", "three"))
    assert_refused(KeystoreError, lambda: sign(jdk, unsigned, unnamed), "one, two", "--key-alias")
    assert_refused(KeystoreError, lambda: sign(jdk, unsigned, wrong), "'three'", "one, two")
    sign(jdk, unsigned, SigningKey(keystore, "two", password=PASSWORD))


def test_a_key_that_is_too_weak(jdk: Jdk, store: MakeStore, unsigned: bytes) -> None:
    key = SigningKey(store(key=("-keyalg", "RSA", "-keysize", "1024")), password=PASSWORD)
    assert_refused(SignatureError, lambda: sign(jdk, unsigned, key), "1024 bits")


def test_the_debug_key_is_made_once_and_for_its_user_only(jdk: Jdk, tmp_path: Path) -> None:
    key = debug_key(jdk, tmp_path / "keys")
    content = key.keystore.read_bytes()
    assert debug_key(jdk, tmp_path / "keys") == key
    assert key.keystore.read_bytes() == content
    assert key.debug
    assert stat.S_IMODE(key.keystore.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["debug.p12"]


def test_where_the_password_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keystore = tmp_path / "keys.p12"
    assert_refused(KeystoreError, lambda: release_key(keystore, None, None), "no such keystore")
    keystore.write_bytes(b"x")
    monkeypatch.delenv(signing.PASSWORD_VARIABLE, raising=False)
    assert_refused(KeystoreError, lambda: release_key(keystore, None, None), signing.PASSWORD_VARIABLE)
    asked: list[str] = []
    key = release_key(keystore, "one", lambda text: asked.append(text) or PASSWORD)  # type: ignore[func-returns-value]
    assert asked == [f"Password of {keystore}: "]
    assert key.password == PASSWORD
    assert PASSWORD not in repr(key)
    monkeypatch.setenv(signing.PASSWORD_VARIABLE, "from the environment")
    assert release_key(keystore, None, None).password == "from the environment"


def test_answers_that_are_no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keystore = tmp_path / "keys.p12"
    keystore.write_bytes(b"x")
    monkeypatch.delenv(signing.PASSWORD_VARIABLE, raising=False)

    def ended(_: str) -> str:
        raise EOFError

    def undecodable(_: str) -> str:
        return b"\xff".decode("utf-8")

    for prompt, mention in (
        (ended, "is not known"),
        (lambda _: "", "is not known"),
        (undecodable, "its password as given is not UTF-8"),
    ):
        assert_refused(KeystoreError, lambda prompt=prompt: release_key(keystore, None, prompt), mention)


@pytest.mark.skipif(os.name == "nt", reason="variables are text there")
@pytest.mark.parametrize("variable", [signing.PASSWORD_VARIABLE, signing.KEY_PASSWORD_VARIABLE, None])
def test_what_java_could_not_be_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None
) -> None:
    keystore = tmp_path / "keys.p12"
    keystore.write_bytes(b"x")
    monkeypatch.setenv(signing.PASSWORD_VARIABLE, "a password")
    alias = os.fsdecode(b"\xff")
    if variable is not None:
        monkeypatch.setenv(variable, alias)
        alias = "one"
    assert_refused(KeystoreError, lambda: release_key(keystore, alias, None), "keys.p12", "is not UTF-8")


def test_a_keystore_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not called a file of another kind."""
    keystore = tmp_path / "keys.p12"
    keystore.write_bytes(b"x")

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(signing, "open", refused, raising=False)
    asked = lambda _: pytest.fail("the password is asked for first")  # noqa: E731
    assert_refused(
        KeystoreError,
        lambda: release_key(keystore, None, asked),
        "keys.p12",
        "cannot be read",
        "Permission denied",
    )


def test_the_password_is_in_no_argument_list(
    jdk: Jdk, store: MakeStore, unsigned: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keystore = store()
    started: list[list[str]] = []
    real = subprocess.Popen

    class Watched(real):  # type: ignore[type-arg,valid-type,misc]
        def __init__(self, arguments: list[str], **options: object) -> None:
            started.append(list(map(str, arguments)))
            super().__init__(arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    sign(jdk, unsigned, SigningKey(keystore, password=PASSWORD))
    assert started
    assert not [word for arguments in started for word in arguments if PASSWORD in word]
