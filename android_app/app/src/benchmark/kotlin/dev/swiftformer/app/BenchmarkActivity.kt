package dev.swiftformer.app

import android.app.Activity
import android.os.Bundle
import android.util.Log
import android.view.WindowManager
import android.widget.TextView
import kotlin.concurrent.thread

/**
 * The benchmark in the foreground, where the scheduler gives an app the big cores:
 * `am start -W -n PACKAGE/dev.swiftformer.app.BenchmarkActivity --es model FILE`.
 *
 * Steps and the end are lines of the log's tag `SwiftFormerBenchmark`; the last begins with "done" or "error". A screen that
 * is left ends its measurement with an error: behind another one, nothing would be measured in the foreground.
 */
class BenchmarkActivity : Activity() {
    @Volatile private var isLeft = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        val text = TextView(this)
        setContentView(text)
        if (state != null) return finish()  // made anew, after the process died: nobody waits for a second measurement
        val arguments = intent.extras
        thread(name = "benchmark") {
            fun tell(step: String) {
                Log.i(TAG, step)
                runOnUiThread { text.text = step }
            }
            val benchmark = Benchmark(this, status = ::tell, isLeft = { isLeft })
            val done = BenchmarkEntry(this, benchmark).run(arguments)
            Log.i(TAG, done.error?.let { "error $it" } ?: "done ${done.file}")
            runOnUiThread { finish() }
        }
    }

    /** Another screen is in front, or none: also where this one is not destroyed. */
    override fun onStop() {
        super.onStop()
        isLeft = true
    }

    companion object {
        const val TAG = "SwiftFormerBenchmark"
    }
}
