// A GPU for TFLite's delegate: the OpenCL of this machine's CPU, introduced as a GPU. Every other function of OpenCL is
// found through this library's own need for libOpenCL.so.1.
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CL_DEVICE_NAME = 0x102B, CL_DEVICE_VENDOR = 0x102C, CL_INVALID_VALUE = -30 };
static const uint64_t ANY_DEVICE = 0xFFFFFFFF;

static void *real(const char *name) {
    void *library = dlopen("libOpenCL.so.1", RTLD_NOW);
    void *found = library ? dlsym(library, name) : NULL;
    if (!found) abort();
    return found;
}

// The delegate asks for GPUs only.
int32_t clGetDeviceIDs(void *platform, uint64_t type, uint32_t entries, void **devices, uint32_t *count) {
    int32_t (*ask)(void *, uint64_t, uint32_t, void **, uint32_t *) = real("clGetDeviceIDs");
    (void)type;
    return ask(platform, ANY_DEVICE, entries, devices, count);
}

// The device's own name has the CPU's vendor in it, for whose GPUs the delegate would write other code. A name that it
// does not know gets what every GPU must be able to run.
int32_t clGetDeviceInfo(void *device, uint32_t what, size_t size, void *value, size_t *needed) {
    static const char name[] = "unknown";
    if (what != CL_DEVICE_NAME && what != CL_DEVICE_VENDOR) {
        int32_t (*ask)(void *, uint32_t, size_t, void *, size_t *) = real("clGetDeviceInfo");
        return ask(device, what, size, value, needed);
    }
    if (needed) *needed = sizeof name;
    if (value && size < sizeof name) return CL_INVALID_VALUE;
    if (value) memcpy(value, name, sizeof name);
    return 0;
}
