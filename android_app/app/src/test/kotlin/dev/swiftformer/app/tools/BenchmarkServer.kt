package dev.swiftformer.app.tools

import android.os.Bundle
import dev.swiftformer.app.Benchmark
import dev.swiftformer.app.BenchmarkInstrumentation
import dev.swiftformer.app.HostLibrary
import dev.swiftformer.app.SwiftFormerApplication
import dev.swiftformer.core.Json
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowBuild
import java.io.File
import java.net.Socket
import java.util.concurrent.LinkedBlockingQueue

/**
 * `am instrument` of the tests' phone: the app's benchmark entry with TFLite itself ([HostLibrary]), run after run in one
 * JVM (`tests/phone/jvm_app.py` is the other end).
 *
 * It connects to the port of the property `phone.port` and reads a job a line: {"arguments": {NAME: TEXT}, "root": FOLDER,
 * "manufacturer", "model"}. The phone's paths lie below `root`. It answers in lines: {"status": {NAME: TEXT}, "code": 1}
 * for each step, then {"result": {NAME: TEXT}, "code": -1}, or {"crash": [LINES]} where the process would have died.
 *
 * Started by `org.junit.runner.JUnitCore` (its name keeps Maven from taking it for one of the app's tests).
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = SwiftFormerApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class BenchmarkServer {
    private val answers = LinkedBlockingQueue<Map<String, Any?>>()

    @Test
    fun serve() {
        HostLibrary.load()
        Thread.setDefaultUncaughtExceptionHandler { _, error -> answers.add(mapOf("crash" to error.stackTraceToString().lines())) }
        Socket("127.0.0.1", System.getProperty("phone.port")!!.toInt()).use { socket ->
            val jobs = socket.getInputStream().bufferedReader()
            val out = socket.getOutputStream().bufferedWriter()
            while (true) {
                val job = Json.parse(jobs.readLine() ?: return) as Map<*, *>
                start(job)
                do {
                    val answer = answers.take()
                    out.write(Json.write(answer) + "\n")
                    out.flush()
                } while ("status" in answer)
            }
        }
    }

    private fun start(job: Map<*, *>) {
        ShadowBuild.setManufacturer(job["manufacturer"] as String)
        ShadowBuild.setModel(job["model"] as String)
        val arguments = Bundle()
        for ((name, value) in job["arguments"] as Map<*, *>) arguments.putString(name as String, value as String)
        OnThisMachine(File(job["root"] as String)).onCreate(arguments)
    }

    /** The app's own instrumentation; only what the system does for it is done here. */
    private inner class OnThisMachine(private val root: File) : BenchmarkInstrumentation() {
        override fun getTargetContext() = RuntimeEnvironment.getApplication()

        override fun benchmark(status: (String) -> Unit) =
            Benchmark(targetContext, HostLibrary.log, { File(root, it) }, status)

        override fun sendStatus(resultCode: Int, results: Bundle) {
            answers.add(mapOf("status" to texts(results), "code" to resultCode))
        }

        override fun finish(resultCode: Int, results: Bundle) {
            answers.add(mapOf("result" to texts(results), "code" to resultCode))
        }

        private fun texts(bundle: Bundle) = bundle.keySet().sorted().associateWith { bundle.getString(it) }
    }
}
