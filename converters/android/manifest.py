"""The manifest Android reads first: merged, completed, and held against a list of what the app may ask for.

A manifest for Android's Gradle plugin has no package; here the application id is put in, names that begin with a dot
are completed with the namespace, what stands there to be kept out of libraries' manifests (`tools:node="remove"`) goes,
and the pieces of the benchmark entry are added where it is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from converters.android.sources import NAMESPACE
from swiftformer_keras.errors import AppOptionError, AppSourceError
from swiftformer_keras.shown import shown

ANDROID = "http://schemas.android.com/apk/res/android"
_TOOLS = "http://schemas.android.com/tools"
MIN_SDK, TARGET_SDK, COMPILE_SDK = 26, 36, 35

PERMISSIONS = {"android.permission.CAMERA"}
NATIVE_LIBRARIES = {"libOpenCL.so", "libOpenCL-car.so", "libOpenCL-pixel.so"}
"""What tensorflow-lite-gpu-api asks for in its own manifest; each must be optional."""
COMPONENTS = {"activity", "activity-alias", "service", "receiver", "provider"}
EXPORTED = {f"{NAMESPACE}.MainActivity"}
EXPORTED_WITH_PERMISSION = {f"{NAMESPACE}.BenchmarkActivity": "android.permission.DUMP"}
INTENT_FILTERS = {
    f"{NAMESPACE}.MainActivity": (
        {"action name=android.intent.action.MAIN", "category name=android.intent.category.LAUNCHER"},
        {
            "action name=android.intent.action.SEND",
            "category name=android.intent.category.DEFAULT",
            "data mimeType=image/*",
        },
    ),
}
"""Of each component: what a launcher and the share sheet ask for."""
INSTRUMENTATION = {f"{NAMESPACE}.BenchmarkInstrumentation"}
ELEMENTS = {
    "uses-permission",
    "uses-feature",
    "application",
    "instrumentation",
    "queries",
    "supports-screens",
}
_WANTED = {"allowBackup": "false", "extractNativeLibs": "false", "fullBackupContent": "false"}

_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z][a-zA-Z0-9_]*)+", re.ASCII)
_JAVA_WORDS = frozenset(
    word
    for line in (
        "abstract assert boolean break byte case catch char class const continue default do double else enum",
        "extends final finally float for goto if implements import instanceof int interface long native new",
        "package private protected public return short static strictfp super switch synchronized this throw",
        "throws transient try void volatile while true false null",
    )
    for word in line.split()
)


def check_application_id(text: str) -> str:
    """`text` where it may be an application id (the rule of Android's build tools and of Google Play).

    Raises:
        AppOptionError: it may not.
    """
    words = text.split(".")
    if len(text) > 150 or not _ID.fullmatch(text) or _JAVA_WORDS & set(words):
        raise AppOptionError(
            f"{shown(text, 80)!r} is no application id: two or more words of letters, digits and _ joined by dots, "
            "each beginning with a letter and none a word of Java's, as in com.example.leaves"
        )
    return text


def merged(manifests: Sequence[Path], application_id: str) -> bytes:
    """One manifest of the app's own and the pieces after it.

    Raises:
        AppSourceError: one is no manifest, or the outcome asks for what the app must not have (see `check`).
    """
    ElementTree.register_namespace("android", ANDROID)
    root, *pieces = (_read(path, application_id) for path in manifests)
    application = _application(root, manifests[0])
    for path, piece in zip(manifests[1:], pieces, strict=True):
        for element in piece:
            if element.tag != "application":
                root.append(element)
        application.extend(list(_application(piece, path)))
    root.set("package", application_id)
    for parent in list(root.iter()):
        for element in [e for e in parent if e.get(f"{{{_TOOLS}}}node") == "remove"]:
            parent.remove(element)
    for element in root.iter():
        for name in [name for name in element.attrib if name.startswith(f"{{{_TOOLS}}}")]:
            del element.attrib[name]
        for attribute in ("name", "parentActivityName", "targetActivity"):
            value = _get(element, attribute)
            if value is not None and value.startswith("."):
                element.set(_key(attribute), NAMESPACE + value)
    check(root, application_id, benchmark=len(manifests) > 1)
    return ElementTree.tostring(root, "utf-8", xml_declaration=True)


def check(root: ElementTree.Element, application_id: str, *, benchmark: bool) -> None:
    """Hold a merged manifest against the list at the head of this file.

    Raises:
        AppSourceError: something is in it that is not on the list, or something that must be is not.
    """
    for element in root:
        if element.tag not in ELEMENTS:
            raise _refused(f"<{element.tag}> is not on its list")
    for element in root.iter():
        if element.tag.startswith("uses-permission") and _get(element, "name") not in PERMISSIONS:
            raise _refused(f"asks for {_get(element, 'name')}")
    application = root.find("application")
    assert application is not None, "merged() has found it"
    for name, value in _WANTED.items():
        if _get(application, name) != value:
            raise _refused(f"android:{name} must be {value}")
    if _get(application, "debuggable") not in (None, "false"):
        raise _refused("the app must not be debuggable")
    if not (_get(application, "dataExtractionRules") or "").startswith("@xml/"):
        raise _refused("has no rules that keep data out of backups (android:dataExtractionRules)")
    for element in application:
        if element.tag == "uses-native-library":
            if _get(element, "name") not in NATIVE_LIBRARIES or _get(element, "required") != "false":
                raise _refused(f"asks for the native library {_get(element, 'name')}")
        elif element.tag in COMPONENTS:
            _check_component(element, benchmark)
    found = {_get(e, "name") for e in application if e.tag == "uses-native-library"}
    if found != NATIVE_LIBRARIES:
        raise _refused(f"does not ask for {', '.join(sorted(NATIVE_LIBRARIES - found))}, which the GPU needs")
    for element in root.iter("instrumentation"):
        if not benchmark or _get(element, "name") not in INSTRUMENTATION:
            raise _refused(f"has the instrumentation {_get(element, 'name')}")
        if _get(element, "targetPackage") != application_id:
            raise _refused("its instrumentation is another app's")


def _check_component(element: ElementTree.Element, benchmark: bool) -> None:
    name, exported = _get(element, "name") or "", _get(element, "exported")
    if element.tag != "activity":
        raise _refused(f"has a <{element.tag}>: {name}")
    if exported not in ("true", "false"):
        raise _refused(f"{name} does not say whether it is exported")
    for found in element.iter("intent-filter"):
        asked = {f"{part.tag} {attribute}" for part in found for attribute in _attributes(part)}
        if asked not in INTENT_FILTERS.get(name, ()):
            raise _refused(f"{name} has the intent filter {', '.join(sorted(asked))}")
    if exported == "false" or name in EXPORTED:
        return
    if not benchmark or name not in EXPORTED_WITH_PERMISSION:
        raise _refused(f"{name} is exported")
    if _get(element, "permission") != EXPORTED_WITH_PERMISSION[name]:
        raise _refused(f"{name} is exported without {EXPORTED_WITH_PERMISSION[name]}")


def _read(path: Path, application_id: str) -> ElementTree.Element:
    try:
        text = path.read_text("utf-8").replace("${applicationId}", application_id)
        root = ElementTree.fromstring(text)
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise AppSourceError(f"{shown(path)}: is no manifest ({shown(error, 100)})") from None
    if root.tag != "manifest":
        raise AppSourceError(f"{shown(path)}: is no manifest but <{shown(root.tag, 60)}>")
    return root


def _application(root: ElementTree.Element, path: Path) -> ElementTree.Element:
    found = root.find("application")
    if found is None:
        raise AppSourceError(f"{shown(path)}: has no <application>")
    return found


def _key(name: str) -> str:
    return f"{{{ANDROID}}}{name}"


def _attributes(element: ElementTree.Element) -> list[str]:
    """Each as `name=value`; an element without any is one without a name."""
    return [f"{key.removeprefix(_key(''))}={value}" for key, value in element.attrib.items()] or [
        "without a name"
    ]


def _get(element: ElementTree.Element, name: str) -> str | None:
    return element.get(_key(name))


def _refused(what: str) -> AppSourceError:
    return AppSourceError(
        f"The merged manifest {shown(what)}. Change it, or the list in converters/android/manifest.py"
    )
