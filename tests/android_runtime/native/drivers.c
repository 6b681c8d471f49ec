// In place of a phone's drivers for NNAPI and the GPU: enough that the delegates make their choice of operators, and
// no more. Every other function they ask for is a stub that answers 0 (library.py).
#include <stdint.h>
#include <stdlib.h>

enum { NO_ERROR = 0, CL_DEVICE_NOT_FOUND = -1 };

// Beside NNAPI's own CPU there is an accelerator: with the CPU alone the delegate takes nothing.
int ANeuralNetworks_getDeviceCount(uint32_t *count) {
    *count = 2;
    return NO_ERROR;
}

// The feature level is the API level, as it is on a phone that never got an NNAPI update.
int64_t ANeuralNetworks_getRuntimeFeatureLevel(void) {
    const char *sdk = getenv("ANDROID_SDK");
    return sdk ? atoi(sdk) : 0;
}

int ASharedMemory_create(const char *name, size_t size) {
    (void)name, (void)size;
    return -1;
}

// OpenCL is installed, and has no device.
int clGetPlatformIDs(uint32_t entries, void *platforms, uint32_t *count) {
    (void)entries, (void)platforms;
    if (count) *count = 0;
    return CL_DEVICE_NOT_FOUND;
}
