"""TFLite 2.16.1 as Android runs it, here: its libraries from Maven Central, unmodified, without Android.

* arm64, emulated by qemu (`library.py`, `runtime.py`): in go a .tflite file and arrays; out come the outputs, what the
  delegate took, and the library's own log. The library, the XNNPACK, NNAPI and GPU delegates in it and the
  instructions they run are those of a phone. NNAPI's and the GPU's drivers are empty stubs. Results on the CPU count,
  which operators a delegate takes counts, times do not.
* x86-64, on this machine's JVM (`host.py`): under the app's own Kotlin.

In both, glibc takes the place of Android's C library (`standins.py`, `native/bionic.c`).
"""
