// Android's log library: everything goes to standard error, which the driver joins with its own output.
#include <stdarg.h>
#include <stdio.h>

int __android_log_vprint(int priority, const char *tag, const char *format, va_list values) {
    fprintf(stderr, "%c/%s: ", "??VDIWEFS"[priority < 0 || priority > 8 ? 0 : priority], tag);
    int written = vfprintf(stderr, format, values);
    fputc('\n', stderr);
    return written;
}
