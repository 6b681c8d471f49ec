package dev.swiftformer.app

import android.os.Bundle
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** What the benchmark's entry makes of arguments; nothing is measured here. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
class BenchmarkTest {
    private fun run(vararg arguments: Pair<String, Any>): BenchmarkEntry.Done {
        val bundle = Bundle()
        for ((name, value) in arguments) if (value is String) bundle.putString(name, value) else bundle.putInt(name, value as Int)
        return BenchmarkEntry(app, Benchmark(app)).run(bundle)
    }

    @Test
    fun wrongArgumentsAreOneLineThatNamesThem() {
        for ((arguments, word) in listOf(
            emptyArray<Pair<String, Any>>() to "model",
            arrayOf<Pair<String, Any>>("model" to "a.tflite", "runs" to "-1") to "runs",
            arrayOf<Pair<String, Any>>("model" to "a.tflite", "runs" to 5) to "runs",
            arrayOf<Pair<String, Any>>("model" to "a.tflite", "delegate" to "tpu") to "delegate",
            arrayOf<Pair<String, Any>>("model" to "/data/local/tmp/../../etc/passwd.tflite") to "model",
            arrayOf<Pair<String, Any>>("model" to "a.tflite", "result" to "../x.json") to "result",
            arrayOf<Pair<String, Any>>("model" to "a.tflite", "spoon" to "1") to "spoon",
        )) {
            val done = run(*arguments)
            assertNull(done.file)
            assertTrue(done.error, word in done.error!! && '\n' !in done.error!!)
        }
        assertNotNull(BenchmarkEntry(app, Benchmark(app)).run(null).error)
    }

    @Test
    fun aScreenThatIsMadeAnewMeasuresNothingAndGoes() {
        val again = Robolectric.buildActivity(BenchmarkActivity::class.java).create(Bundle()).get()
        assertTrue(again.isFinishing)
    }

    @Test
    fun aModelThatIsNotThereIsInTheResult() {
        for (model in listOf("nothing.tflite", "/data/local/tmp/nothing.tflite")) {
            val done = run("model" to model)
            assertTrue(done.error, model in done.error!!)
            assertEquals("benchmark.json", java.io.File(done.file!!).name)
        }
    }
}
