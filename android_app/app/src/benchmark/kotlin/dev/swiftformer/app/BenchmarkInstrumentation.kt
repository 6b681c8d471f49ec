package dev.swiftformer.app

import android.app.Activity
import android.app.Instrumentation
import android.os.Bundle

/**
 * `am instrument -w -e model FILE -e delegate gpu PACKAGE/dev.swiftformer.app.BenchmarkInstrumentation`
 *
 * Each step is a status line; the last bundle has the result file's path, and the error if there is one. `core/BENCHMARK_FORMAT.md` says what the arguments and the result are.
 */
open class BenchmarkInstrumentation : Instrumentation() {
    private var arguments: Bundle? = null

    override fun onCreate(given: Bundle?) {
        super.onCreate(given)
        arguments = given
        start()
    }

    override fun onStart() {
        super.onStart()
        val benchmark = benchmark { step -> sendStatus(RUNNING, line("status", step)) }
        val done = BenchmarkEntry(targetContext, benchmark).run(arguments)
        val last = Bundle()
        done.file?.let { last.putString("result", it) }
        done.error?.let { last.putString("error", it) }
        finish(if (done.error == null) Activity.RESULT_OK else Activity.RESULT_CANCELED, last)
    }

    /** What measures; tests give it another machine's files. */
    protected open fun benchmark(status: (String) -> Unit) = Benchmark(targetContext, status = status)

    private fun line(key: String, value: String) = Bundle().apply { putString(key, value) }

    private companion object {
        const val RUNNING = 1
    }
}
