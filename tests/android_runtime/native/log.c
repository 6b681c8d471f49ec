// Android's log library: every line goes to standard error, and to the end of the file that ANDROID_LOG names, in the
// format of `logcat -v tag`. A process that does not keep that file sees what it would read from the system's log.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int __android_log_vprint(int priority, const char *tag, const char *format, va_list values) {
    char *text = NULL, *line = NULL;
    int written = vasprintf(&text, format, values);
    if (written < 0) return written;
    int length = asprintf(&line, "%c/%s: %s\n", "??VDIWEFS"[priority < 0 || priority > 8 ? 0 : priority], tag, text);
    free(text);
    if (length < 0) return length;
    fputs(line, stderr);
    const char *path = getenv("ANDROID_LOG");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        if (write(file, line, length) != length) fputs("ANDROID_LOG: a line was not written\n", stderr);
        close(file);
    }
    free(line);
    return written;
}
