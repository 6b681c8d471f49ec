package dev.swiftformer.app

import android.content.ClipData
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.os.Parcel
import android.os.Parcelable
import dev.swiftformer.app.model.BundleFiles
import dev.swiftformer.core.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.ByteArrayInputStream

/** What other apps and damaged files bring: a message, never a crash. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class HostileTest {
    private val picture = Uri.parse("content://stranger/picture")

    private fun share(change: Intent.() -> Unit = {}) = Intent(Intent.ACTION_SEND).setType("image/png").apply(change)

    private fun provide(bytes: ByteArray) =
        shadowOf(app.contentResolver).registerInputStreamSupplier(picture) { ByteArrayInputStream(bytes) }

    @Test
    fun aSharedPictureIsClassified() {
        provide(photoAsPng())
        val activity = launch(share { putExtra(Intent.EXTRA_STREAM, picture) }).get()
        until("the picture") { activity.isShown(R.id.still) && activity.row(0).isShown }
        assertEquals("golden retriever", activity.row(0).words(R.id.row_label))
    }

    @Test
    fun aPictureMayComeInTheClip() {
        provide(photoAsPng())
        val activity = launch(share { clipData = ClipData.newRawUri("x", picture) }).get()
        until("the picture") { activity.isShown(R.id.still) }
    }

    @Test
    fun intentsWithoutAPictureAreSaidToHaveNone() {
        val cases = listOf<Intent.() -> Unit>(
            {},
            { putExtra(Intent.EXTRA_STREAM, "text") },
            { putExtra(Intent.EXTRA_STREAM, 7) },
            { putExtra(Intent.EXTRA_STREAM, Bundle()) },
            { putExtra(Intent.EXTRA_STREAM, arrayOf(picture)) },
            { putParcelableArrayListExtra(Intent.EXTRA_STREAM, arrayListOf(picture)) },
            { putExtra(Intent.EXTRA_STREAM, Uri.parse("file:///data/data/dev.swiftformer.app/shared_prefs/choices.xml")) },
            { putExtra(Intent.EXTRA_STREAM, Uri.parse("http://example.org/a.png")) },
            { putExtra(Intent.EXTRA_STREAM, Uri.EMPTY) },
            { putExtra(Intent.EXTRA_STREAM, Exploding()) },
            { putExtra(Intent.EXTRA_TEXT, "x".repeat(100_000)) },
            { clipData = ClipData.newPlainText("x", "y") },
            { setDataAndType(Uri.parse("android.resource://android/1"), "image/png") },
        )
        for ((number, change) in cases.withIndex()) {
            val controller = launch(share(change))
            val activity = controller.get()
            until("a message, case $number") { activity.words(R.id.warning).contains(activity.getString(R.string.share_no_picture)) }
            controller.pause().stop().destroy()
        }
    }

    @Test
    fun picturesThatAreNoneAreSaidToBeNone() {
        val whole = photoAsPng()
        val cases = mapOf(
            "empty" to ByteArray(0), "text" to "hello".toByteArray(), "cut" to whole.copyOf(60),
            "zeros" to ByteArray(5000), "signature" to whole.copyOf(8), "svg" to "<svg/>".toByteArray(),
        )
        for ((name, bytes) in cases) {
            provide(bytes)
            val controller = launch(share { putExtra(Intent.EXTRA_STREAM, picture) })
            val activity = controller.get()
            until("a message for $name") { activity.isShown(R.id.warning) }
            assertFalse(name, activity.isShown(R.id.still))
            controller.pause().stop().destroy()
        }
    }

    @Test
    fun aPictureThatIsNotThereIsSaidSo() {
        val activity = launch(share { putExtra(Intent.EXTRA_STREAM, Uri.parse("content://nobody/nothing")) }).get()
        until("a message") { activity.isShown(R.id.warning) }
        assertFalse(activity.isShown(R.id.still))
    }

    @Test
    fun damagedBundlesAreSaidToBe() {
        val good = MemoryFiles.copy(app).content
        val model = good.getValue(MODEL)
        val cases = HashMap<String, (MemoryFiles) -> Unit>()
        cases["no index"] = { it.content.remove("index.json") }
        cases["index is no JSON"] = { it.content["index.json"] = "{".toByteArray() }
        cases["index is another format"] = { it.content["index.json"] = """{"format": "x"}""".toByteArray() }
        cases["index is empty"] = { it.content["index.json"] = ByteArray(0) }
        cases["index names a way out"] = { index(it, mapOf("file" to "../x.tflite")) }
        cases["no model"] = { it.content.remove(MODEL) }
        cases["model is empty"] = { put(it, ByteArray(0)) }
        cases["model is text"] = { put(it, "hello".toByteArray()) }
        cases["model is cut"] = { put(it, model.copyOf(model.size / 2)) }
        cases["model is cut to its header"] = { put(it, model.copyOf(64)) }
        cases["model without its metadata"] = { put(it, model.copyOf(model.size - 2000)) }
        cases["model is another"] = { it.content[MODEL] = model.copyOf().apply { this[5000]++ } }
        cases["golden picture is missing"] = { it.content.remove("golden.png") }
        cases["golden picture is none"] = { it.content["golden.png"] = ByteArray(100) }
        for (seed in 1..8) cases["model with noise $seed"] = { files ->
            val random = java.util.Random(seed.toLong())
            put(files, model.copyOf().apply { repeat(200) { this[random.nextInt(4096)] = random.nextInt().toByte() } })
        }
        for ((name, damage) in cases) {
            fakes.files = MemoryFiles(HashMap(good)).also(damage)
            val controller = launch()
            val activity = controller.get()
            until("a message or a model: $name") { activity.isShown(R.id.warning) || activity.words(R.id.runs_on).endsWith("operators") }
            if (!name.startsWith("model with noise")) assertTrue(name, activity.words(R.id.warning).length > 20)
            controller.pause().stop().destroy()
        }
    }

    @Test
    fun anIndexThatTheMemoryDoesNotHoldIsSaidToBe() {
        val files = fakes.files
        fakes.files = object : BundleFiles by files {
            override fun open(name: String) = throw OutOfMemoryError("Failed to allocate")
        }
        val activity = launch().get()
        until("a message") { "not enough memory" in activity.words(R.id.warning) }
        val about = Robolectric.buildActivity(AboutModelActivity::class.java).setup().get()
        until("a line") { about.findViewById<android.view.ViewGroup>(R.id.about_lines).childCount == 1 }
    }

    @Test
    fun theAboutScreenTakesAnything() {
        fakes.files = MemoryFiles.copy(app).also { it.content.remove(MODEL) }
        for (file in listOf(null, "", "nothing.tflite", "../../etc/passwd", MODEL)) {
            val intent = Intent(app, AboutModelActivity::class.java).putExtra(AboutModelActivity.FILE, file)
            val activity = Robolectric.buildActivity(AboutModelActivity::class.java, intent).setup().get()
            until("a line") { activity.findViewById<android.view.ViewGroup>(R.id.about_lines).childCount == 1 }
        }
    }

    /** The file replaced, and the index made to expect it: what comes after the checksum is asked. */
    private fun put(files: MemoryFiles, bytes: ByteArray) {
        files.content[MODEL] = bytes
        val buffer = java.nio.ByteBuffer.wrap(bytes)
        index(files, mapOf("sha256" to dev.swiftformer.core.ModelFile.sha256(buffer), "size_bytes" to maxOf(1, bytes.size).toLong()))
    }

    private fun index(files: MemoryFiles, changes: Map<String, Any>) {
        val whole = Json.parse(files.content.getValue("index.json").toString(Charsets.UTF_8)) as Map<*, *>
        val models = (whole["models"] as List<*>).map { it as Map<*, *> }
        val changed = models.map { if (it["file"] == MODEL) it + changes else it }
        files.content["index.json"] = Json.write(whole + mapOf("models" to changed)).toByteArray()
    }

    /** Throws when it is looked at. */
    class Exploding : Parcelable {
        override fun describeContents() = 0

        override fun writeToParcel(parcel: Parcel, flags: Int): Unit = throw IllegalStateException("boom")

        companion object {
            @JvmField
            val CREATOR = object : Parcelable.Creator<Exploding> {
                override fun createFromParcel(parcel: Parcel): Exploding = throw IllegalStateException("boom")

                override fun newArray(size: Int) = arrayOfNulls<Exploding>(size)
            }
        }
    }

    private companion object {
        const val MODEL = "micro_float32.tflite"
    }
}
