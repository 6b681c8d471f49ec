package dev.swiftformer.app

import android.os.Bundle
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File

/**
 * The app with TFLite 2.16.1 itself: Android's x86-64 library on the desktop, its C library stood in for by the folder of
 * the property `tflite.host`; skipped without it. The bundled golden logits, which LiteRT gave, decide.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class RealLibraryTest {
    private val log = HostLibrary.log

    @Before
    fun loadLibrary() {
        assumeTrue("-Dtflite.host is not given", HostLibrary.isThere)
        HostLibrary.load()
    }

    @Test
    fun theAppRunsBothBundledModelsWithinTheirBounds() {
        fakes.log = log
        for (model in listOf("micro_float32.tflite", "micro_float16.tflite")) {
            fakes.settings.model = model
            val controller = launch()
            val activity = controller.get()
            activity.settle()
            assertTrue(activity.words(R.id.runs_on) + activity.words(R.id.warning), activity.words(R.id.runs_on).startsWith("CPU with XNNPACK"))
            // The library itself says how many; without its log, nobody knows.
            val share = if (System.getenv("ANDROID_LOG") == null) "share unknown" else "operators"
            assertTrue(activity.words(R.id.runs_on), activity.words(R.id.runs_on).endsWith(share))
            controller.pause().stop().destroy()
        }
    }

    @Test
    fun aGpuThatIsNotThereIsSaidToBe() {
        fakes.log = log
        fakes.settings.delegate = DelegateKind.GPU.name
        val activity = launch().get()
        activity.settle()
        assertTrue(activity.words(R.id.runs_on), "GPU refused" in activity.words(R.id.runs_on))
    }

    @Test
    fun theBenchmarkWritesWhatItMeasured() {
        val arguments = Bundle().apply {
            putString("model", "micro_float32.tflite")
            putString("threads", "1")
            putString("runs", "5")
            putString("warm_up", "2")
        }
        val done = BenchmarkEntry(app, Benchmark(app, log)).run(arguments)
        assertNull(done.error)
        val json = Json.parse(File(done.file!!).readText()) as Map<*, *>
        assertEquals("swiftformer-benchmark", json["format"])
        assertEquals(5, (json["samples_ms"] as List<*>).size)
        assertEquals(2, (json["warm_up_ms"] as List<*>).size)
        assertEquals("passed", (json["golden"] as Map<*, *>)["result"])
        assertEquals("2.16.1", (json["running"] as Map<*, *>)["runtime_version"])
    }
}
