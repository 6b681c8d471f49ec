package dev.swiftformer.app

import android.app.ActivityManager
import android.content.ContentProvider
import android.content.ContentValues
import android.content.res.AssetFileDescriptor
import android.database.Cursor
import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.CancellationSignal
import dev.swiftformer.app.picture.KeptPictures
import dev.swiftformer.app.picture.Opened
import dev.swiftformer.app.picture.PictureProblem
import dev.swiftformer.app.picture.StillPictures
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowAppTask
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.io.FilterInputStream
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.zip.CRC32
import java.util.zip.Deflater
import kotlin.concurrent.thread

/** Pictures of strangers, through both ways to decode them: before API level 28, and from it on. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [26, 35], application = TestApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PicturesTest {
    private val uri = Uri.parse("content://stranger/picture")

    private fun open(supply: () -> InputStream?): Opened {
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { supply() }
        return fakes.pictures.open(uri)
    }

    private fun open(bytes: ByteArray) = open { bytes.inputStream() }

    private fun problem(opened: Opened): PictureProblem = (opened as Opened.Problem).problem

    /** Of a whole file. Not on Android 8, whose ExifInterface reads no orientation here. */
    @Test
    @Config(sdk = [35])
    fun photosStandUprightAsExifSays() =
        assertUpright { orientation -> (open(jpeg(64, 32, orientation)) as Opened.Picture).bitmap }

    @Test
    fun turnsAreThoseOfExif() = assertUpright { orientation -> StillPictures.upright(quarters(64, 32), orientation) }

    private fun assertUpright(turn: (Int) -> Bitmap) {
        for ((orientation, quarters) in UPRIGHT) {
            val bitmap = turn(orientation)
            val turned = orientation in 5..8
            assertEquals("$orientation", if (turned) 32 to 64 else 64 to 32, bitmap.width to bitmap.height)
            val seen = listOf(1 to 1, 3 to 1, 1 to 3, 3 to 3).map { (x, y) ->
                nearest(bitmap.getPixel(bitmap.width * x / 4, bitmap.height * y / 4))
            }
            assertEquals("orientation $orientation", quarters, seen.joinToString(""))
        }
    }

    @Test
    fun aPictureOf100MegapixelsIsReadSmaller() {
        val bitmap = (open(png(10_000, 10_000, 10_000)) as Opened.Picture).bitmap
        assertEquals(2500 to 2500, bitmap.width to bitmap.height)
        assertTrue(bitmap.byteCount <= 4 * StillPictures.MAX_PIXELS)
    }

    @Test
    fun whatIsReadIsBounded() {
        for ((width, height) in listOf(1 to 1, 4096 to 4096, 12_000 to 9000, 16_384 to 16_384, 1 to 100_000_000)) {
            val sample = StillPictures.sample(width, height)
            assertTrue(width.toLong() * height / sample / sample <= StillPictures.MAX_PIXELS)
            assertTrue(sample == 1 || width.toLong() * height * 4 / sample / sample > StillPictures.MAX_PIXELS)
        }
    }

    /** Its first line says 60,000 x 60,000 pixels: minutes of work for nothing that anybody photographs. */
    @Test
    fun aPictureBeyondAllMeasureIsRefusedAtItsHeader() {
        val refused = problem(open(png(60_000, 60_000, 1)))
        assertTrue("$refused", refused == PictureProblem.TOO_LARGE || refused == PictureProblem.NOT_A_PICTURE)
    }

    @Test
    fun damagedPicturesAreSaidToBe() {
        val whole = jpeg(64, 32, 6)
        val photo = photoAsPng()
        val cases = mapOf(
            "empty" to ByteArray(0), "text" to "hello".toByteArray(), "zeros" to ByteArray(5000), "signature" to photo.copyOf(8),
            "header of a PNG" to photo.copyOf(40), "start of a JPEG" to whole.copyOf(20), "half a PNG's header" to photo.copyOf(20),
            "EXIF alone" to whole.copyOf(60), "a PNG of no pixels" to png(0, 0, 0), "a GIF's header" to "GIF89a".toByteArray(),
            "a WebP's header" to "RIFF0000WEBPVP8 ".toByteArray(), "an HTML page" to "<html><img src=x></html>".toByteArray(),
        )
        for ((name, bytes) in cases) assertTrue(name, open(bytes) is Opened.Problem)
    }

    @Test
    fun anExifOfNonsenseIsNoCrash() {
        for (orientation in listOf(-1, 255, 65535)) assertTrue(open(jpeg(64, 32, orientation)) is Opened.Picture)
        val noise = jpeg(64, 32, 6).also { for (i in 24 until 38) it[i] = (i * 37).toByte() }
        open(noise)
    }

    @Test
    fun providersThatThrowAreNoCrash() {
        for (error in listOf(
            SecurityException("revoked"), IllegalStateException("dead"), NullPointerException(), UnsupportedOperationException("no"),
        )) assertEquals("$error", PictureProblem.CANNOT_OPEN, problem(open { throw error }))
        assertTrue(open { null } is Opened.Problem)
        val photo = photoAsPng()
        for (error in listOf<Exception>(IOException("cable"), SecurityException("revoked while reading"), IllegalStateException("gone"))) {
            val opened = open { Breaking(photo.inputStream(), photo.size / 2, error) }
            // Before API level 28 the decoder gives what it has of a picture that breaks off.
            assertTrue("$error", opened is Opened.Problem || Build.VERSION.SDK_INT < Build.VERSION_CODES.P)
        }
    }

    @Test
    fun onlyContentIsOpened() {
        for (address in listOf("file:///data/data/dev.swiftformer.app/cache/still.png", "http://example.org/a.png", "android.resource://android/1", "x", "")) {
            assertEquals(address, PictureProblem.CANNOT_OPEN, problem(fakes.pictures.open(Uri.parse(address))))
        }
    }

    private fun files() = app.cacheDir.list().orEmpty().filter { it.startsWith("still") }

    @Test
    fun everyPictureIsKeptUnderItsOwnNameUntilItIsForgotten() {
        val one = photo()
        val other = quarters(64, 32)
        val (first, second) = listOf(one, other).map { fakes.kept.keep(it, 7) }
        assertTrue(fakes.kept.restore(second)!!.sameAs(other))
        assertTrue(fakes.kept.restore(first)!!.sameAs(one))
        fakes.kept.forget(first)
        assertNull(fakes.kept.restore(first))
        assertEquals(listOf(second), files())
        for (name in listOf("", "still.png", "../$second", "still-7-../x.png")) assertNull(name, fakes.kept.restore(name))
    }

    /** The state that asks for it is saved: an error here would be met again at each start. */
    @Test
    fun aKeptPictureThatCannotBeReadIsForgotten() {
        for (error in listOf(OutOfMemoryError(), IllegalStateException("decoder"))) {
            val kept = KeptPictures(app) { throw error }
            val name = kept.keep(photo(), 7)
            assertNull("$error", kept.restore(name))
            assertNull("$error", fakes.kept.restore(name))
            assertEquals("$error", emptyList<String>(), files())
        }
    }

    @Test
    fun aPictureThatCannotBeWrittenIsNotKept() {
        val recycled = photo().apply { recycle() }
        assertNull(fakes.kept.restore(fakes.kept.keep(recycled, 7)))
        assertEquals(emptyList<String>(), files())
    }

    @Test
    fun picturesThatNobodyCanAskForAreSweptAway() {
        val gone = "still-7-00000000-0000-0000-0000-000000000001.png"
        val lives = "still-9-00000000-0000-0000-0000-000000000002.png"
        val another = "still-7-00000000-0000-0000-0000-000000000003.png"
        for (name in listOf("still.png", "still.png.new", gone, lives, another, "$lives.new", "else.png")) File(app.cacheDir, name).writeText("x")
        val task = ActivityManager.RecentTaskInfo().apply { @Suppress("DEPRECATION") persistentId = 9 }
        val known = ShadowAppTask.newInstance().apply { shadowOf(this).setTaskInfo(task) }
        shadowOf(app.getSystemService(ActivityManager::class.java)).setAppTasks(listOf(known))
        fakes.kept.hold(another)
        val own = fakes.kept.keep(photo(), 7)
        fakes.kept.sweep()
        assertNotNull(fakes.kept.restore(own))
        assertEquals(setOf(lives, another, own), files().toSet())
        assertTrue(File(app.cacheDir, "else.png").isFile)
    }

    /** One waits for its cloud, and stops where it is told to; the other gives a pipe into which nobody writes. */
    @Test
    @Config(sdk = [35])
    fun whatDoesNotComeIsGivenUp() {
        val provider = Robolectric.buildContentProvider(Waiting::class.java).create("waiting").get()
        val pipe = Pipe()
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { pipe }
        for ((address, asked) in mapOf(Uri.parse("content://waiting/picture") to provider.asked, uri to pipe.asked)) {
            val signal = CancellationSignal()
            var opened: Opened? = null
            val reader = thread { opened = fakes.pictures.open(address, signal) }
            assertTrue("$address is asked", asked.await(10, TimeUnit.SECONDS))
            signal.cancel()
            reader.join(10_000)
            assertEquals("$address", PictureProblem.CANNOT_OPEN, problem(opened!!))
        }
    }

    private class Pipe : InputStream() {
        val asked = CountDownLatch(1)
        private val closed = CountDownLatch(1)

        override fun read(): Int {
            asked.countDown()
            closed.await()
            throw IOException("closed")
        }

        override fun close() = closed.countDown()
    }

    class Waiting : ContentProvider() {
        val asked = CountDownLatch(1)

        override fun onCreate() = true

        override fun openTypedAssetFile(uri: Uri, type: String, options: Bundle?, signal: CancellationSignal?): AssetFileDescriptor {
            asked.countDown()
            while (true) {
                signal!!.throwIfCanceled()
                Thread.sleep(5)
            }
        }

        override fun query(uri: Uri, columns: Array<String>?, which: String?, arguments: Array<String>?, order: String?): Cursor? = null

        override fun getType(uri: Uri) = "image/png"

        override fun insert(uri: Uri, values: ContentValues?): Uri? = null

        override fun delete(uri: Uri, which: String?, arguments: Array<String>?) = 0

        override fun update(uri: Uri, values: ContentValues?, which: String?, arguments: Array<String>?) = 0
    }

    @Test
    fun aPanoramaIsShownSmaller() {
        for ((size, shown) in mapOf(
            (20_000 to 800) to (4096 to 163), (3 to 9000) to (1 to 4096), (1 to 90_000) to (1 to 4096),
            (4096 to 10) to (4096 to 10),
        )) {
            val bitmap = StillPictures.shown(Bitmap.createBitmap(size.first, size.second, Bitmap.Config.ARGB_8888))
            assertEquals("$size", shown, bitmap.width to bitmap.height)
        }
    }

    /** A stream that breaks after some bytes. */
    private class Breaking(whole: InputStream, private var left: Int, private val error: Exception) : FilterInputStream(whole) {
        override fun read(): Int = if (left-- > 0) super.read() else throw error

        override fun read(into: ByteArray, at: Int, count: Int): Int {
            if (left <= 0) throw error
            return super.read(into, at, minOf(count, left)).also { left -= maxOf(it, 0) }
        }
    }

    private fun nearest(color: Int): Int = 1 + COLORS.indices.minByOrNull { index ->
        listOf(16, 8, 0).sumOf { shift -> Math.abs((color shr shift and 255) - (COLORS[index] shr shift and 255)) }
    }!!

    private fun quarters(width: Int, height: Int): Bitmap {
        val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        for (y in 0 until height) for (x in 0 until width) bitmap.setPixel(x, y, COLORS[y * 2 / height * 2 + x * 2 / width])
        return bitmap
    }

    /** A JPEG file of four coloured quarters, with an EXIF orientation. */
    private fun jpeg(width: Int, height: Int, orientation: Int): ByteArray {
        val plain = ByteArrayOutputStream().also { quarters(width, height).compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
        val exif = ByteArrayOutputStream()
        DataOutputStream(exif).apply {
            writeBytes("Exif\u0000\u0000MM\u0000*")
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
            write(plain, 0, 2)
            writeShort(0xffe1)
            writeShort(exif.size() + 2)
            write(exif.toByteArray())
            write(plain, 2, plain.size - 2)
        }
        return file.toByteArray()
    }

    /** A black PNG file of one bit a pixel whose header says [width] x [height], with only [rows] rows in it. */
    private fun png(width: Int, height: Int, rows: Int): ByteArray {
        val deflater = Deflater()
        val packed = ByteArrayOutputStream()
        val row = ByteArray(1 + (width + 7) / 8)
        val chunk = ByteArray(1 shl 16)
        for (index in 0..rows) {
            if (index < rows) deflater.setInput(row) else deflater.finish()
            while (true) {
                val count = deflater.deflate(chunk)
                if (count == 0) break
                packed.write(chunk, 0, count)
            }
        }
        val file = ByteArrayOutputStream()
        val out = DataOutputStream(file)
        out.write(byteArrayOf(137.toByte(), 80, 78, 71, 13, 10, 26, 10))
        val header = ByteArrayOutputStream()
        DataOutputStream(header).apply {
            writeInt(width)
            writeInt(height)
            write(byteArrayOf(1, 0, 0, 0, 0))
        }
        for ((kind, content) in listOf("IHDR" to header.toByteArray(), "IDAT" to packed.toByteArray(), "IEND" to ByteArray(0))) {
            val body = kind.toByteArray() + content
            out.writeInt(content.size)
            out.write(body)
            out.writeInt(CRC32().apply { update(body) }.value.toInt())
        }
        return file.toByteArray()
    }

    private companion object {
        val COLORS = intArrayOf(Color.RED, Color.GREEN, Color.BLUE, Color.WHITE)

        /** EXIF 2.3, tag 0x0112: the quarters of the upright picture, row by row, where the file has 1 2 over 3 4. */
        val UPRIGHT = mapOf(
            1 to "1234", 2 to "2143", 3 to "4321", 4 to "3412", 5 to "1324", 6 to "3142", 7 to "4231", 8 to "2413", 0 to "1234", 9 to "1234",
        )
    }
}
