// Runs .tflite files on Android's own TFLite library through its C API, for tests/android_runtime/runtime.py.
//
//   driver FOLDER [LIBRARY...]
//
// A request is one line on standard input: DELEGATE SDK THREADS NUMBER. The file is FOLDER/NUMBER.tflite; where
// FOLDER/NUMBER.in exists, it holds the inputs of one run after another (all inputs of a run in their order), and
// the outputs go to FOLDER/NUMBER.out in the same way. A process of its own answers the requests; one that crashes it
// takes no other with it, because the next ones get a new process. Standard output has the library's log and, beginning
// with '@', these facts:
//
//   @version V               of the library
//   @input|@output TYPE SCALE ZERO_POINT SIZE...
//   @took WALL PROCESSOR      nanoseconds of a run's computing alone, the second of all threads together
//   @refused STEP            what the library did not do; its reason stands in the log before it
//   @end CODE                0, the exit code, or minus the signal that ended the process
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/delegates/gpu/delegate.h"

// Code built for Android keeps its stack guard 40 bytes behind the thread pointer. glibc puts a program's
// thread-local variables there: this one's alignment keeps the place empty.
static __thread __attribute__((aligned(64), used)) volatile char keeps_stack_guard_free[64];

enum { REFUSED = 2, BAD_REQUEST = 3 };

// The AARs have no header for these two that C can read. Both functions fill a struct that the caller provides;
// only its first fields, which the public headers fix, are named here.
typedef struct {
    int32_t threads;
    uint32_t flags;
    char rest[504];
} XNNPackOptions;

typedef struct {
    int32_t preference;
    const char *accelerator, *cache_dir, *model_token;
    int32_t disallow_cpu, allow_fp16, max_partitions;
    void *support_library;
    char rest[448];
} NnapiOptions;

// Ends a process that answers requests, without exit()'s clean-up: what a delegate leaves behind is not what is tested.
static __attribute__((noreturn)) void end(int code) {
    fflush(stdout);
    _exit(code);
}

static void *find(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found) {
        printf("@refused find %s\n", name);
        end(REFUSED);
    }
    return found;
}

// Declares `name` of the library's C API as a local function pointer of its declared type.
#define API(name) __typeof__(&TfLite##name) name = find("TfLite" #name)

static TfLiteDelegate *make_delegate(const char *kind, int threads) {
    if (!strcmp(kind, "xnnpack")) {
        XNNPackOptions (*defaults)(void) = find("TfLiteXNNPackDelegateOptionsDefault");
        TfLiteDelegate *(*create)(const XNNPackOptions *) = find("TfLiteXNNPackDelegateCreate");
        XNNPackOptions options = defaults();
        options.threads = threads;
        return create(&options);
    }
    if (!strcmp(kind, "nnapi")) {
        NnapiOptions (*defaults)(void) = find("TfLiteNnapiDelegateOptionsDefault");
        TfLiteDelegate *(*create)(const NnapiOptions *) = find("TfLiteNnapiDelegateCreate");
        NnapiOptions options = defaults();
        options.disallow_cpu = 0;    // no accelerator is asked what it takes: the delegate's own choice is shown
        options.max_partitions = 0;  // no limit
        return create(&options);
    }
    if (!strcmp(kind, "gpu")) {
        API(GpuDelegateOptionsV2Default);
        API(GpuDelegateV2Create);
        TfLiteGpuDelegateOptionsV2 options = GpuDelegateOptionsV2Default();
        options.max_delegated_partitions = 1 << 20;
        return GpuDelegateV2Create(&options);
    }
    return NULL;
}

static void describe(const char *role, const TfLiteTensor *tensor) {
    API(TensorType);
    API(TypeGetName);
    API(TensorNumDims);
    API(TensorDim);
    API(TensorQuantizationParams);
    TfLiteQuantizationParams quantisation = TensorQuantizationParams(tensor);
    printf("@%s %s %.9g %d", role, TypeGetName(TensorType(tensor)), quantisation.scale, quantisation.zero_point);
    for (int i = 0; i < TensorNumDims(tensor); i++) printf(" %d", TensorDim(tensor, i));
    printf("\n");
}

static long long now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// One run: inputs from `in`, outputs to `out`. 0 at the end of `in`, below 0 when the library refuses.
static int run(TfLiteInterpreter *interpreter, FILE *in, FILE *out) {
    API(InterpreterGetInputTensorCount);
    API(InterpreterGetInputTensor);
    API(InterpreterGetOutputTensorCount);
    API(InterpreterGetOutputTensor);
    API(InterpreterInvoke);
    API(TensorByteSize);
    API(TensorData);
    for (int i = 0; i < InterpreterGetInputTensorCount(interpreter); i++) {
        TfLiteTensor *tensor = InterpreterGetInputTensor(interpreter, i);
        size_t size = TensorByteSize(tensor), got = fread(TensorData(tensor), 1, size, in);
        if (got == 0 && i == 0 && feof(in)) return 0;
        if (got != size) end(BAD_REQUEST);
    }
    long long wall = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID);
    if (InterpreterInvoke(interpreter) != kTfLiteOk) return -1;
    printf("@took %lld %lld\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - processor);
    for (int i = 0; i < InterpreterGetOutputTensorCount(interpreter); i++) {
        const TfLiteTensor *tensor = InterpreterGetOutputTensor(interpreter, i);
        size_t size = TensorByteSize(tensor);
        if (fwrite(TensorData(tensor), 1, size, out) != size) end(BAD_REQUEST);
    }
    return 1;
}

// Answers one request; the step that was refused, or NULL.
static const char *answer(const char *folder, const char *delegate, int threads, int number,
                          TfLiteModel **model, TfLiteInterpreterOptions **options, TfLiteInterpreter **interpreter) {
    API(Version);
    API(ModelCreateFromFile);
    API(InterpreterOptionsCreate);
    API(InterpreterOptionsSetNumThreads);
    API(InterpreterOptionsAddDelegate);
    API(InterpreterCreate);
    API(InterpreterAllocateTensors);
    API(InterpreterGetInputTensorCount);
    API(InterpreterGetInputTensor);
    API(InterpreterGetOutputTensorCount);
    API(InterpreterGetOutputTensor);
    char path[4096];
    printf("@version %s\n", Version());
    snprintf(path, sizeof path, "%s/%d.tflite", folder, number);
    if (!(*model = ModelCreateFromFile(path))) return "load";
    *options = InterpreterOptionsCreate();
    InterpreterOptionsSetNumThreads(*options, threads);
    if (strcmp(delegate, "none")) {
        TfLiteDelegate *made = make_delegate(delegate, threads);
        if (!made) return "make that delegate";
        InterpreterOptionsAddDelegate(*options, made);
    }
    if (!(*interpreter = InterpreterCreate(*model, *options))) return "create";
    if (InterpreterAllocateTensors(*interpreter) != kTfLiteOk) return "allocate";
    for (int i = 0; i < InterpreterGetInputTensorCount(*interpreter); i++)
        describe("input", InterpreterGetInputTensor(*interpreter, i));
    for (int i = 0; i < InterpreterGetOutputTensorCount(*interpreter); i++)
        describe("output", InterpreterGetOutputTensor(*interpreter, i));
    snprintf(path, sizeof path, "%s/%d.in", folder, number);
    FILE *in = fopen(path, "rb");
    if (!in) return NULL;
    snprintf(path, sizeof path, "%s/%d.out", folder, number);
    FILE *out = fopen(path, "wb");
    if (!out) end(BAD_REQUEST);
    int state;
    do state = run(*interpreter, in, out);
    while (state > 0);
    if (fclose(out) || fclose(in)) end(BAD_REQUEST);
    return state < 0 ? "invoke" : NULL;
}

// The same with its beginning and end: 0, or REFUSED.
static int serve(const char *folder, const char *delegate, int threads, int number) {
    API(ModelDelete);
    API(InterpreterOptionsDelete);
    API(InterpreterDelete);
    TfLiteModel *model = NULL;
    TfLiteInterpreterOptions *options = NULL;
    TfLiteInterpreter *interpreter = NULL;
    const char *refused = answer(folder, delegate, threads, number, &model, &options, &interpreter);
    if (refused) printf("@refused %s\n", refused);
    if (interpreter) InterpreterDelete(interpreter);
    if (options) InterpreterOptionsDelete(options);
    if (model) ModelDelete(model);
    return refused ? REFUSED : 0;  // the delegate is kept: it is small, and knows of nothing that is gone
}

typedef struct {
    char delegate[32], sdk[16];
    int threads, number;
} Request;

int main(int count, char **arguments) {
    keeps_stack_guard_free[0] = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    dup2(1, 2);  // one stream, so that a log line stands where it belongs
    for (int i = 2; i < count; i++) {
        if (!dlopen(arguments[i], RTLD_NOW | RTLD_GLOBAL)) {
            printf("@refused open %s\n", dlerror());
            return REFUSED;
        }
    }
    Request *requests = NULL, read;
    int total = 0;
    while (scanf("%31s %15s %d %d", read.delegate, read.sdk, &read.threads, &read.number) == 4) {
        requests = realloc(requests, (total + 1) * sizeof read);
        requests[total++] = read;
    }
    // The request that is being answered; the child moves it on, the parent reads it when the child has ended.
    volatile int *place = mmap(NULL, sizeof *place, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    while (*place < total) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            const char *sdk = requests[*place].sdk;  // the library asks for it once in a process
            setenv("ANDROID_SDK", sdk, 1);
            while (*place < total && !strcmp(requests[*place].sdk, sdk)) {
                const Request *request = &requests[*place];
                int code = serve(arguments[1], request->delegate, request->threads, request->number);
                printf("\n@end %d\n", code);
                fflush(stdout);
                ++*place;
            }
            end(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        int code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
        if (code != 0) {
            printf("\n@end %d\n", code);
            ++*place;
        }
    }
    return 0;
}
