// What Android's C library does differently from glibc. Every function here is exported as `name@LIBC`, the version
// that libraries built for Android ask for; all others they ask for are forwarded as they are (library.py).
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIONIC(type, name, ...)                        \
    __asm__(".symver android_" #name "," #name "@LIBC"); \
    type android_##name(__VA_ARGS__)

// --- errors and checked string functions ---------------------------------------------------------------------

BIONIC(int *, __errno, void) { return &errno; }

// strerror_r is the POSIX one, which glibc keeps under this name.
extern int __xpg_strerror_r(int, char *, size_t);
BIONIC(int, strerror_r, int error, char *buffer, size_t size) { return __xpg_strerror_r(error, buffer, size); }

BIONIC(size_t, __strlen_chk, const char *text, size_t limit) {
    size_t length = strlen(text);
    if (length >= limit) abort();
    return length;
}

BIONIC(void, android_set_abort_message, const char *message) { fprintf(stderr, "abort: %s\n", message); }

// --- system properties: the library asks for one, the version of Android; without it, it leaves XNNPACK out ------

enum { VALUE_BYTES = 92 };  // PROP_VALUE_MAX

BIONIC(int, __system_property_get, const char *name, char *value) {
    const char *sdk = getenv("ANDROID_SDK");
    const char *answer = strcmp(name, "ro.build.version.sdk") ? "" : sdk ? sdk : "34";
    return snprintf(value, VALUE_BYTES, "%.*s", VALUE_BYTES - 1, answer);
}

// --- signals: a set has 8 bytes there and 128 in glibc ------------------------------------------------------------

BIONIC(int, sigfillset, uint64_t *set) {
    *set = UINT64_MAX;
    return 0;
}

BIONIC(int, pthread_sigmask, int how, const uint64_t *set, uint64_t *old) {
    sigset_t wanted, before;
    sigemptyset(&wanted);
    if (set) memcpy(&wanted, set, sizeof *set);
    int error = pthread_sigmask(how, set ? &wanted : NULL, &before);
    if (old) memcpy(old, &before, sizeof *old);
    return error;
}

// --- numbers: a long double has 128 bits there, in glibc for x86-64 it has 80 -------------------------------------

BIONIC(_Float128, strtold_l, const char *text, char **end, locale_t locale) { return strtof128_l(text, end, locale); }

// --- sysconf: other numbers for the same questions --------------------------------------------------------------

BIONIC(long, sysconf, int name) {
    switch (name) {
        case 0x27:  // _SC_PAGESIZE
        case 0x28:  // _SC_PAGE_SIZE
            return sysconf(_SC_PAGESIZE);
        case 0x60: return sysconf(_SC_NPROCESSORS_CONF);
        case 0x61: return sysconf(_SC_NPROCESSORS_ONLN);
        default: errno = EINVAL; return -1;
    }
}

// --- threads: a mutex has 40 bytes there; glibc for arm64 uses as many, but clears 48. A condition variable lies at
// a multiple of 4, where glibc's own does not work; as in Android, it is a counter that sleepers wait on -----------

enum { MUTEX_BYTES = 40 };

BIONIC(int, pthread_mutex_init, void *mutex, const pthread_mutexattr_t *attributes) {
    pthread_mutex_t made;
    int error = pthread_mutex_init(&made, attributes);
    memcpy(mutex, &made, MUTEX_BYTES);
    return error;
}

static int futex(uint32_t *word, int operation, uint32_t value) {
    return (int)syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

BIONIC(int, pthread_cond_wait, uint32_t *counter, pthread_mutex_t *mutex) {
    uint32_t seen = __atomic_load_n(counter, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(mutex);
    futex(counter, FUTEX_WAIT, seen);
    return pthread_mutex_lock(mutex);
}

BIONIC(int, pthread_cond_signal, uint32_t *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    futex(counter, FUTEX_WAKE, 1);
    return 0;
}

BIONIC(int, pthread_cond_broadcast, uint32_t *counter) {
    __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    futex(counter, FUTEX_WAKE, INT32_MAX);
    return 0;
}

BIONIC(int, pthread_cond_destroy, uint32_t *counter) {
    (void)counter;
    return 0;
}

// --- stdio: stdin, stdout and stderr are the elements of an array `__sF` of 152-byte structures -------------------

enum { FILE_BYTES = 152 };
char android___sF[3 * FILE_BYTES];
__asm__(".symver android___sF,__sF@LIBC");

static FILE *known(FILE *file) {
    uintptr_t distance = (uintptr_t)file - (uintptr_t)android___sF;
    if (distance >= sizeof android___sF) return file;
    return distance / FILE_BYTES == 0 ? stdin : distance / FILE_BYTES == 1 ? stdout : stderr;
}

BIONIC(int, vfprintf, FILE *file, const char *format, va_list values) {
    return vfprintf(known(file), format, values);
}

BIONIC(int, fprintf, FILE *file, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int written = vfprintf(known(file), format, values);
    va_end(values);
    return written;
}

BIONIC(int, fputc, int character, FILE *file) { return fputc(character, known(file)); }
BIONIC(int, fflush, FILE *file) { return fflush(file ? known(file) : NULL); }
BIONIC(int, fileno, FILE *file) { return fileno(known(file)); }
BIONIC(int, fclose, FILE *file) { return fclose(known(file)); }
BIONIC(size_t, fwrite, const void *data, size_t size, size_t count, FILE *file) {
    return fwrite(data, size, count, known(file));
}
BIONIC(size_t, fread, void *data, size_t size, size_t count, FILE *file) {
    return fread(data, size, count, known(file));
}
