"""APK signatures of scheme 2 and 3 as bytes (source.android.com, "APK Signature Scheme v2" and "v3").

Pure: digests and structures only. The private key stays in the JDK (`signing.py`), which is handed what it has to sign.
Maven Central's newest apksig (2.3.0) knows no scheme 3, hence this file; Android's own tools verify its output in the
tests, and apksig the scheme 2 part of every build.
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from collections.abc import Sequence

from swiftformer_keras.errors import SignatureError

V2_ID, V3_ID, PADDING_ID = 0x7109871A, 0xF05368C0, 0x42726577
MAGIC = b"APK Sig Block 42"
_CHUNK = 1 << 20
_BLOCK_MULTIPLE = 4096
_END_MAGIC = b"PK\x05\x06"
_END_BYTES = 22
_V3_MIN_SDK, _ANY_LATER_SDK = 28, 0x7FFFFFFF


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """A signature algorithm: its number in the schemes, its name in Java, and the digest that goes with it."""

    number: int
    java_name: str
    digest: str


RSA_SHA256 = Algorithm(0x0103, "SHA256withRSA", "sha256")
RSA_SHA512 = Algorithm(0x0104, "SHA512withRSA", "sha512")
EC_SHA256 = Algorithm(0x0201, "SHA256withECDSA", "sha256")
EC_SHA512 = Algorithm(0x0202, "SHA512withECDSA", "sha512")
ALGORITHMS = (RSA_SHA256, RSA_SHA512, EC_SHA256, EC_SHA512)


@dataclasses.dataclass(frozen=True)
class Sections:
    """An APK without signatures: its entries, its central directory, and the record at its end."""

    entries: bytes
    directory: bytes
    end: bytes


def split(apk: bytes) -> Sections:
    """The three sections of an APK that has no signature, and no comment behind it.

    Raises:
        SignatureError: it is laid out otherwise.
    """
    end = apk[-_END_BYTES:]
    if len(end) != _END_BYTES or end[:4] != _END_MAGIC:
        raise SignatureError("the packed APK does not end as one without a comment does")
    size, offset = struct.unpack_from("<II", end, 12)
    if offset + size != len(apk) - _END_BYTES:
        raise SignatureError("the packed APK has something between its files and their list")
    return Sections(apk[:offset], apk[offset : offset + size], end)


def algorithm_for(key_type: str, key_bits: int) -> Algorithm:
    """As apksigner chooses: SHA-512 for keys that are stronger than SHA-256.

    Raises:
        SignatureError: the key is of another type than RSA or EC, or an RSA key is too short.
    """
    if key_type == "RSA" and key_bits >= 2048:
        return RSA_SHA256 if key_bits <= 3072 else RSA_SHA512
    if key_type == "EC":
        return EC_SHA256 if key_bits <= 256 else EC_SHA512
    raise SignatureError(
        f"a key of type {key_type} with {key_bits} bits cannot sign the app; RSA of 2048 bits or more, or EC, can"
    )


def content_digest(sections: Sections, digest: str) -> bytes:
    """The digest over all three sections in chunks of 1 MB; the end's offset is the one without signatures."""
    chunks = []
    for section in (sections.entries, sections.directory, sections.end):
        view = memoryview(section)
        for start in range(0, len(view), _CHUNK):
            chunk = view[start : start + _CHUNK]
            hasher = hashlib.new(digest, b"\xa5" + struct.pack("<I", len(chunk)))
            hasher.update(chunk)
            chunks.append(hasher.digest())
    return hashlib.new(digest, b"\x5a" + struct.pack("<I", len(chunks)) + b"".join(chunks)).digest()


def signed_data(version: int, algorithm: Algorithm, digest: bytes, certificates: Sequence[bytes]) -> bytes:
    """What the key signs in scheme 2 or 3."""
    digests = _prefixed(_prefixed(struct.pack("<I", algorithm.number) + _prefixed(digest)))
    chain = _prefixed(b"".join(map(_prefixed, certificates)))
    if version == 2:
        # No "stripping protection" attribute: both schemes have the same key, so nothing is won by taking scheme 3
        # away, and apksig 2.3.0, which verifies every build, takes the attribute for damage.
        return digests + chain + _prefixed(b"")
    return digests + chain + struct.pack("<II", _V3_MIN_SDK, _ANY_LATER_SDK) + _prefixed(b"")


def signer(version: int, algorithm: Algorithm, signed: bytes, signature: bytes, public_key: bytes) -> bytes:
    """The value of one scheme's block: one signer."""
    sdk = b"" if version == 2 else struct.pack("<II", _V3_MIN_SDK, _ANY_LATER_SDK)
    signatures = _prefixed(_prefixed(struct.pack("<I", algorithm.number) + _prefixed(signature)))
    return _prefixed(_prefixed(_prefixed(signed) + sdk + signatures + _prefixed(public_key)))


def with_block(sections: Sections, values: dict[int, bytes]) -> bytes:
    """The APK with a signing block of these values before its central directory."""
    pairs = b"".join(_pair(number, value) for number, value in values.items())
    padding = -(len(pairs) + 8 + 8 + len(MAGIC)) % _BLOCK_MULTIPLE
    if padding:
        padding += _BLOCK_MULTIPLE if padding < 12 else 0
        pairs += _pair(PADDING_ID, bytes(padding - 12))
    size = struct.pack("<Q", len(pairs) + 8 + len(MAGIC))
    block = size + pairs + size + MAGIC
    moved = struct.pack("<I", len(sections.entries) + len(block))
    end = sections.end[:16] + moved + sections.end[20:]
    return sections.entries + block + sections.directory + end


def read_block(apk: bytes) -> tuple[Sections, dict[int, bytes]]:
    """Inverse of `with_block`.

    Raises:
        SignatureError: there is no signing block.
    """
    (offset,) = struct.unpack_from("<I", apk, len(apk) - 6)
    if apk[offset - 16 : offset] != MAGIC:
        raise SignatureError("the APK has no signing block")
    (size,) = struct.unpack_from("<Q", apk, offset - 24)
    start = offset - size - 8
    values, position = {}, start + 8
    while position < offset - 24:
        length, number = struct.unpack_from("<QI", apk, position)
        values[number] = apk[position + 12 : position + 8 + length]
        position += 8 + length
    end = apk[-_END_BYTES:]
    end = end[:16] + struct.pack("<I", start) + end[20:]
    return Sections(apk[:start], apk[offset : len(apk) - _END_BYTES], end), values


def _pair(number: int, value: bytes) -> bytes:
    return struct.pack("<QI", len(value) + 4, number) + value


def _prefixed(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value
