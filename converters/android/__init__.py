"""The Android app built from its sources and any models: `.tflite` files in, a signed and verified APK out.

Start at `build.py`, which goes through the steps in order: `models.py` checks the models and computes what the app
compares its first run with, `toolchain.py` fetches the pinned tools (Maven) and `jdk.py` runs them, `manifest.py` and
`resources.py` make what Android reads first, `compile.py` the code, `apk.py` packs, `signing.py` signs. `dex.py`,
`elf.py` and `public_api.py` look at what came out. `adb.py` puts it on a phone
(`adb_client.py` is the way there), `deploy.py` does the whole way.
"""
