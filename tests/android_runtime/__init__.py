"""TFLite 2.16.1 as Android phones run it, here: its arm64 library from Maven Central, emulated by qemu.

In go a .tflite file and arrays; out come the outputs, what the delegate took, and the library's own log. The
library, the XNNPACK, NNAPI and GPU delegates in it and the instructions they run are those of a phone; what lies
under them is not: glibc takes the place of Android's C library (`native/bionic.c`), and NNAPI's and the GPU's
drivers are empty stubs. So results on the CPU count, which operators a delegate takes counts, times do not.

`runtime.py` is the interface, `library.py` fetches and builds what it needs, `native/` is the C in between.
"""
