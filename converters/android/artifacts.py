"""The table of pinned files: what a build fetches from Maven Central, what for, under which licence, and its SHA-256.

To take a newer version, change its line, run `mvn dependency:get` for it and write down what `sha256sum` says of the
file in Maven's local repository, after comparing it with the checksum that the project itself publishes.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

Use = Literal[
    "compiler",  # kotlinc and what it needs
    "dexer",
    "aapt2",
    "android-all",  # Android's classes, to compile against
    "api-check",
    "api-signature",  # the public API of the lowest Android that the app runs on
    "verifier",  # of signatures
    "library",  # goes into the app
    "runtime-aar",  # TFLite, classes and native libraries; goes into the app
]


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository."""

    group: str
    artifact: str
    version: str
    type: str
    use: Use
    licence: str
    sha256: str

    @property
    def coordinates(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """As Maven's dependency plugin names a copy."""
        return f"{self.artifact}-{self.version}.{self.type}"

    @property
    def in_the_app(self) -> bool:
        return self.use in ("library", "runtime-aar")


MAVEN_PLUGIN = ("org.apache.maven.plugins", "maven-dependency-plugin", "3.8.1")
KOTLIN = "2.0.21"
TFLITE = "2.16.1"

ARTIFACTS = (
    Artifact(
        "org.jetbrains.kotlin",
        "kotlin-compiler-embeddable",
        KOTLIN,
        "jar",
        "compiler",
        "Apache-2.0",
        "9fa8cdd1de0dccffe154c997d423ec6b5f53cd6d9177e3a77a9b0de03fb1bc81",
    ),
    Artifact(
        "org.jetbrains.kotlin",
        "kotlin-script-runtime",
        KOTLIN,
        "jar",
        "compiler",
        "Apache-2.0",
        "9c111f8d08ade455566272d561921adc2b2cb6b7a4ccee38d9829c5e3a1ca6a3",
    ),
    Artifact(
        "org.jetbrains.kotlin",
        "kotlin-reflect",
        "1.6.10",
        "jar",
        "compiler",
        "Apache-2.0",
        "3277ac102ae17aad10a55abec75ff5696c8d109790396434b496e75087854203",
    ),
    Artifact(
        "org.jetbrains.kotlin",
        "kotlin-daemon-embeddable",
        KOTLIN,
        "jar",
        "compiler",
        "Apache-2.0",
        "b1a0a73c5022f8dd05a638c6b76b2bd7361818a1f3860ff2644133b1dd2bdb03",
    ),
    Artifact(
        "org.jetbrains.intellij.deps",
        "trove4j",
        "1.0.20200330",
        "jar",
        "compiler",
        "LGPL-2.1",
        "c5fd725bffab51846bf3c77db1383c60aaaebfe1b7fe2f00d23fe1b7df0a439d",
    ),
    Artifact(
        "org.jetbrains",
        "annotations",
        "13.0",
        "jar",
        "compiler",
        "Apache-2.0",
        "ace2a10dc8e2d5fd34925ecac03e4988b2c0f851650c94b8cef49ba1bd111478",
    ),
    Artifact(
        "org.jetbrains.kotlinx",
        "kotlinx-coroutines-core-jvm",
        "1.6.4",
        "jar",
        "compiler",
        "Apache-2.0",
        "c24c8bb27bb320c4a93871501a7e5e0c61607638907b197aef675513d4c820be",
    ),
    Artifact(
        "com.android.tools",
        "r8",
        "8.7.18",
        "jar",
        "dexer",
        "BSD-3-Clause",
        "58366f77067207c39a17d469de7b05701d2877212a9c55201bcb0af43e59e903",
    ),
    Artifact(
        "org.apktool",
        "apktool-lib",
        "3.0.3",
        "jar",
        "aapt2",
        "Apache-2.0",
        "983773879fd89ede2cd938858e3efce2a90ac1123f6a5140e9d949dcf4464e3e",
    ),
    Artifact(
        "org.robolectric",
        "android-all",
        "15-robolectric-13954326",
        "jar",
        "android-all",
        "Apache-2.0",
        "e17105f6c432357e6bb278a527f8e848d01fc56ccee01be77725bea23d871990",
    ),
    Artifact(
        "org.codehaus.mojo",
        "animal-sniffer",
        "1.24",
        "jar",
        "api-check",
        "MIT",
        "65d028de87134f0955e3a964fe438fc3e99e77b237a77e5e165869a8ff59db5f",
    ),
    Artifact(
        "org.ow2.asm",
        "asm",
        "9.6",
        "jar",
        "api-check",
        "BSD-3-Clause",
        "3c6fac2424db3d4a853b669f4e3d1d9c3c552235e19a319673f887083c2303a1",
    ),
    Artifact(
        "com.toasttab.android",
        "gummy-bears-api-26",
        "0.12.0",
        "signature",
        "api-signature",
        "Apache-2.0",
        "71febc00e91c09b94e02020c19d349c52d8cbf3dd3d36e54ebee913e29dfab97",
    ),
    Artifact(
        "com.android.tools.build",
        "apksig",
        "2.3.0",
        "jar",
        "verifier",
        "Apache-2.0",
        "9637078c0016244e4be0941836295365a7e2e5b164c59cb7885783c40460bfee",
    ),
    Artifact(
        "org.jetbrains.kotlin",
        "kotlin-stdlib",
        KOTLIN,
        "jar",
        "library",
        "Apache-2.0",
        "f31cc53f105a7e48c093683bbd5437561d1233920513774b470805641bedbc09",
    ),
    Artifact(
        "org.tensorflow",
        "tensorflow-lite",
        TFLITE,
        "aar",
        "runtime-aar",
        "Apache-2.0",
        "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    ),
    Artifact(
        "org.tensorflow",
        "tensorflow-lite-api",
        TFLITE,
        "aar",
        "runtime-aar",
        "Apache-2.0",
        "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    ),
    Artifact(
        "org.tensorflow",
        "tensorflow-lite-gpu",
        TFLITE,
        "aar",
        "runtime-aar",
        "Apache-2.0",
        "4440e44d295e0e13964d4fe9d9e8c3d2c3f870b92fcb7b945e45036acdfcd459",
    ),
    Artifact(
        "org.tensorflow",
        "tensorflow-lite-gpu-api",
        "2.14.0",
        "aar",
        "runtime-aar",
        "Apache-2.0",
        "3e7cece2c5eaaf05f93d0399e7d86eee83bd818b037965cbe52291223acae286",
    ),
)
