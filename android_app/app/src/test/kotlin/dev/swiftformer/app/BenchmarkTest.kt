package dev.swiftformer.app

import android.graphics.Bitmap
import android.graphics.Color
import android.os.Bundle
import dev.swiftformer.app.model.AssetFiles
import dev.swiftformer.app.model.ModelLibrary
import dev.swiftformer.core.BenchmarkResult
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.InferenceEngine
import dev.swiftformer.core.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.util.zip.CRC32

/** What the benchmark's entry makes of arguments; nothing is measured here. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
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
            assertEquals("benchmark.json", File(done.file!!).name)
        }
    }

    @Test
    fun aResultTooLargeForTheMemoryIsWrittenWithoutItsPictures() {
        val endless = object : AbstractList<BenchmarkResult.Evaluated>() {
            override val size = 7

            override fun get(index: Int) = throw OutOfMemoryError("Failed to allocate")
        }
        val arguments = Bundle().apply { putString("model", "a.tflite") }
        val done = BenchmarkEntry(app) { plan -> BenchmarkResult(plan).apply { evaluation = endless } }.run(arguments)
        assertTrue(done.error, "memory" in done.error!! && "7 pictures" in done.error!!)
        val json = Json.parse(File(done.file!!).readText()) as Map<*, *>
        assertEquals(done.error, json["error"])
        assertNull(json["evaluation"])
    }

    /** Both files hold the same picture; one lies on its side and says so. */
    @Test
    fun transparentPicturesAreTurnedAsTheirExifSays() {
        val upright = Bitmap.createBitmap(40, 60, Bitmap.Config.ARGB_8888)
        val lying = Bitmap.createBitmap(60, 40, Bitmap.Config.ARGB_8888)
        for (y in 0 until 60) for (x in 0 until 40) {
            val color = Color.argb(255 - x, 6 * x, 4 * y, 128)
            upright.setPixel(x, y, color)
            lying.setPixel(y, 39 - x, color)
        }
        val folder = File(app.cacheDir, "pictures").apply { mkdirs() }
        File(folder, "1.png").writeBytes(png(upright, null))
        File(folder, "2.png").writeBytes(png(lying, 6))
        File(folder, "3.png").writeBytes(ByteArray(9))
        val found = evaluate(folder)
        assertEquals(listOf(null, null, "not a picture"), found.map { it.error })
        assertEquals(found[0].inputSha256, found[1].inputSha256)
    }

    @Test
    fun onePicturesErrorIsItsOwn() {
        val folder = File(app.cacheDir, "pictures").apply { mkdirs() }
        for (name in listOf("1.png", "2.png", "3.png")) File(folder, name).writeBytes(photoAsPng())
        var runs = 0
        val found = evaluate(folder) { if (++runs == 2) throw IllegalArgumentException("strange") }
        assertEquals(listOf(null, "IllegalArgumentException: strange", null), found.map { it.error })
    }

    @Test
    fun anEvaluationEndsWhenNobodyWaitsForIt() {
        val folder = File(app.cacheDir, "pictures").apply { mkdirs() }
        for (name in listOf("1.png", "2.png", "3.png")) File(folder, name).writeBytes(photoAsPng())
        var runs = 0
        val left = assertThrows(EngineException::class.java) { evaluate(folder, { if (runs == 1) throw EngineException("left") }) { runs++ } }
        assertEquals("left", left.message)
        assertEquals(1, runs)
    }

    private fun evaluate(folder: File, goOn: () -> Unit = {}, before: () -> Unit = {}): List<BenchmarkResult.Evaluated> {
        val models = ModelLibrary(AssetFiles(app.assets))
        val entry = models.index().models.first()
        val model = models.open(entry)
        val engine = fakes.lab.of(model, entry).create(DelegateChoice(DelegateKind.CPU))
        val watched = object : InferenceEngine by engine {
            override fun run() {
                before()
                engine.run()
            }
        }
        return engine.use { Evaluation(model.description, watched, goOn).of(folder) }
    }

    /** A PNG file, with an EXIF orientation where one is given. */
    private fun png(bitmap: Bitmap, orientation: Int?): ByteArray {
        val plain = ByteArrayOutputStream().also { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }.toByteArray()
        if (orientation == null) return plain
        val chunk = ByteArrayOutputStream()
        DataOutputStream(chunk).apply {
            writeBytes("eXIfMM\u0000*")
            writeInt(8)  // where the first directory is
            writeShort(1)
            writeShort(0x0112)
            writeShort(3)  // of 16 bits
            writeInt(1)
            writeShort(orientation)
            writeShort(0)
            writeInt(0)
        }
        val file = ByteArrayOutputStream()
        DataOutputStream(file).apply {
            write(plain, 0, AFTER_HEADER)
            writeInt(chunk.size() - 4)
            write(chunk.toByteArray())
            writeInt(CRC32().apply { update(chunk.toByteArray()) }.value.toInt())
            write(plain, AFTER_HEADER, plain.size - AFTER_HEADER)
        }
        return file.toByteArray()
    }

    private companion object {
        /** A PNG's signature and its first chunk. */
        const val AFTER_HEADER = 8 + 25
    }
}
