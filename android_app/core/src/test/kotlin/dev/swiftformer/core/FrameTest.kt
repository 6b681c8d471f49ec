package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.Random
import kotlin.math.abs
import kotlin.math.roundToInt

/** Camera frames and pictures: strange strides, the formula, turns, and that no frame allocates. */
class FrameTest {
    private fun buffer(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size)

    private fun refused(load: (FrameConverter) -> Unit): String {
        val message = assertThrows(FrameException::class.java) { load(FrameConverter()) }.message!!
        assertTrue(message.startsWith("camera frame: ") && '\n' !in message, message)
        return message
    }

    @Test
    fun strangeFramesAreRefused() {
        val y = buffer(16 * 12)
        val c = buffer(8 * 6)
        val good = FrameConverter()
        good.load(y, c, c, 16, 1, 8, 1, 16, 12)
        assertEquals(16, good.width)
        val bad = listOf<(FrameConverter) -> Unit>(
            { it.load(y, c, c, 15, 1, 8, 1, 16, 12) },
            { it.load(y, c, c, 0, 1, 8, 1, 16, 12) },
            { it.load(y, c, c, -16, 1, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, 0, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, -1, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, 2, 8, 1, 16, 12) },
            { it.load(y, c, c, 17, 1, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, 1, 7, 1, 16, 12) },
            { it.load(y, c, c, 16, 1, 8, 2, 16, 12) },
            { it.load(y, c, c, 16, 1, 16, 2, 16, 12) },
            { it.load(y, c, buffer(3), 16, 1, 8, 1, 16, 12) },
            { it.load(y, buffer(0), c, 16, 1, 8, 1, 16, 12) },
            { it.load(buffer(16 * 12 - 1), c, c, 16, 1, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, 1, 8, 1, 0, 12) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, -1) },
            { it.load(y, c, c, 16, 1, 8, 1, Int.MAX_VALUE, Int.MAX_VALUE) },
            { it.load(y, c, c, Int.MAX_VALUE, 1, Int.MAX_VALUE, 1, 16, 12) },
            { it.load(y, c, c, 16, Int.MAX_VALUE, 8, 1, 16, 12) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, left = -1) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, right = 17) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, left = 5, right = 5) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, top = 12, bottom = 13) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, bottom = Int.MIN_VALUE) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, rotationDegrees = 45) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, rotationDegrees = -90) },
            { it.load(y, c, c, 16, 1, 8, 1, 16, 12, rotationDegrees = 360) },
        )
        bad.forEach { refused(it) }
        assertTrue("191 bytes" in refused { it.load(buffer(191), c, c, 16, 1, 8, 1, 16, 12) })
        assertThrows(IllegalStateException::class.java) { FrameConverter().toPicture() }
    }

    @Test
    fun aRefusedFrameLeavesTheOneBeforeWhole() {
        val converter = FrameConverter()
        val y = buffer(64)
        for (i in 0 until 64) y.put(i, (4 * i).toByte())
        val c = buffer(16)
        for (i in 0 until 16) c.put(i, 128.toByte())
        converter.load(y, c, c, 8, 1, 4, 1, 8, 8)
        val before = converter.toPicture().bytes
        assertThrows(FrameException::class.java) { converter.load(buffer(64), buffer(16), buffer(3), 8, 1, 4, 1, 8, 8) }
        assertArrayEquals(before, converter.toPicture().bytes)
    }

    /** The formula of JFIF in real numbers: the fixed point is less than one level away, everywhere. */
    @Test
    fun coloursAreBt601FullRange() {
        val converter = FrameConverter()
        val y = buffer(256)
        var worst = 0.0
        for (cb in 0..255 step 5) for (cr in 0..255 step 3) {
            for (i in 0..255) y.put(i, i.toByte())
            val u = buffer(128)
            val v = buffer(128)
            for (i in 0 until 128) u.put(i, cb.toByte()).put(i, cb.toByte())
            for (i in 0 until 128) v.put(i, cr.toByte())
            converter.load(y, u, v, 256, 1, 128, 1, 256, 1)
            val bytes = converter.toPicture().bytes
            for (i in 0..255) {
                val exact = doubleArrayOf(
                    i + 1.402 * (cr - 128), i - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), i + 1.772 * (cb - 128),
                )
                for (c in 0..2) {
                    val clipped = exact[c].coerceIn(0.0, 255.0)
                    worst = maxOf(worst, abs((bytes[3 * i + c].toInt() and 255) - clipped))
                }
            }
        }
        assertTrue(worst < 1.0, "$worst")
    }

    @Test
    fun greyFramesStayGreyAndTurnsAreThoseOfTheClock() {
        // 1 2      90 degrees clockwise: 3 1
        // 3 4                            4 2
        val y = buffer(4)
        for (i in 0 until 4) y.put(i, (i + 1).toByte())
        val c = buffer(1).also { it.put(0, 128.toByte()) }
        fun upright(rotation: Int, mirror: Boolean): List<Int> {
            val converter = FrameConverter()
            converter.load(y, c, c, 2, 1, 1, 1, 2, 2, rotationDegrees = rotation, mirror = mirror)
            return converter.toPicture().bytes.toList().chunked(3).map { assertEquals(1, it.toSet().size); it[0].toInt() }
        }
        assertEquals(listOf(1, 2, 3, 4), upright(0, false))
        assertEquals(listOf(3, 1, 4, 2), upright(90, false))
        assertEquals(listOf(4, 3, 2, 1), upright(180, false))
        assertEquals(listOf(2, 4, 1, 3), upright(270, false))
        assertEquals(listOf(2, 1, 4, 3), upright(0, true))
        assertEquals(listOf(1, 3, 2, 4), upright(90, true))
    }

    /** A part of a picture, read in any blocks, is that part of the whole: for frames of every turn and for photos. */
    @Test
    fun blocksAreThePicture() {
        val random = Random(7)
        repeat(300) {
            val source = if (it % 2 == 0) randomFrame(random) else randomPhoto(random)
            val whole = IntArray(3 * source.width * source.height)
            source.read(0, source.height, 0, source.width, whole, 3 * source.height)
            val firstRow = random.nextInt(source.height)
            val rows = 1 + random.nextInt(source.height - firstRow)
            val firstColumn = random.nextInt(source.width)
            val columns = 1 + random.nextInt(source.width - firstColumn)
            val stride = 3 * rows + random.nextInt(4)
            val block = IntArray(columns * stride)
            source.read(firstRow, rows, firstColumn, columns, block, stride)
            for (x in 0 until columns) for (y in 0 until rows) for (c in 0..2) {
                assertEquals(whole[(firstColumn + x) * 3 * source.height + (firstRow + y) * 3 + c], block[x * stride + y * 3 + c])
            }
        }
    }

    private fun randomFrame(random: Random): RgbSource {
        val width = 2 + random.nextInt(19)
        val height = 2 + random.nextInt(19)
        val left = random.nextInt(width)
        val top = random.nextInt(height)
        val frame = mapOf(
            "width" to width.toLong(), "height" to height.toLong(), "kind" to "noise", "seed" to random.nextInt(999).toLong(),
            "crop" to listOf(
                left.toLong(), top.toLong(), left + 1L + random.nextInt(width - left), top + 1L + random.nextInt(height - top),
            ),
            "rotation" to 90L * random.nextInt(4), "mirror" to random.nextBoolean(), "y_row_stride" to width + 3L,
            "y_pixel_stride" to 1L, "uv_row_stride" to width + 5L, "uv_pixel_stride" to 1L + random.nextInt(2),
        )
        return FrameConverter().also { GoldenPictures.load(it, frame) }
    }

    private fun randomPhoto(random: Random): RgbSource {
        val width = 1 + random.nextInt(20)
        val height = 1 + random.nextInt(20)
        return ArgbRows(ArgbRows.Pixels(width, height, IntArray(width * height) { random.nextInt() }), random.nextInt(10))
    }

    /** EXIF 2.3, tag 0x0112: what row 0 and column 0 of the file are in the upright picture. */
    @Test
    fun photosAreTurnedAsExifSays() {
        val argb = IntArray(6) { (255 shl 24) or ((it + 1) * 0x010101) }
        val expected = mapOf(
            1 to listOf(1, 2, 3, 4, 5, 6), 2 to listOf(3, 2, 1, 6, 5, 4), 3 to listOf(6, 5, 4, 3, 2, 1),
            4 to listOf(4, 5, 6, 1, 2, 3), 5 to listOf(1, 4, 2, 5, 3, 6), 6 to listOf(4, 1, 5, 2, 6, 3),
            7 to listOf(6, 3, 5, 2, 4, 1), 8 to listOf(3, 6, 2, 5, 1, 4), 0 to listOf(1, 2, 3, 4, 5, 6),
        )
        for ((orientation, values) in expected) {
            val photo = ArgbRows(ArgbRows.Pixels(3, 2, argb), orientation)
            assertEquals(if (orientation in 5..8) 2 to 3 else 3 to 2, photo.width to photo.height)
            val columns = IntArray(18)
            photo.read(0, photo.height, 0, photo.width, columns, 3 * photo.height)
            val upright = (0 until 6).map { columns[(it % photo.width) * 3 * photo.height + it / photo.width * 3] }
            assertEquals(values, upright, "orientation $orientation")
        }
    }

    @Test
    fun transparencyIsLaidOverWhite() {
        val random = Random(11)
        repeat(5000) {
            val alpha = random.nextInt(256)
            val value = random.nextInt(256)
            val pixel = IntArray(3)
            ArgbRows(ArgbRows.Pixels(1, 1, intArrayOf((alpha shl 24) or (value shl 16)))).read(0, 1, 0, 1, pixel, 3)
            assertEquals(((value * alpha + 255.0 * (255 - alpha)) / 255).roundToInt(), pixel[0])
        }
    }

    @Test
    fun noFrameAllocates() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val preprocessing = Preprocessing(224, 224, Resize.CROP, 0.95)
        val y = buffer(640 * 480)
        val c = buffer(640 * 240)
        for (type in TensorType.values()) {
            val spec = TensorSpec("", listOf(1, 224, 224, 3), type, 0.02f, 3)
            val writer = InputWriter(preprocessing, InputKind.NORMALIZED, spec)
            val into = buffer(spec.sizeBytes)
            val converter = FrameConverter()
            val scores = Scores(TensorSpec("", listOf(1, 1000), TensorType.INT8, 0.1f, 0), OutputKind.LOGITS)
            val output = buffer(1000)
            val smoother = ConfidenceSmoother(1000)
            val times = PhaseTimes()
            fun frame(time: Long) {
                converter.load(y, c, c, 640, 1, 640, 2, 640, 480, rotationDegrees = 90, mirror = true)
                writer.write(converter, into)
                scores.read(output)
                smoother.update(scores.probabilities, 33.0)
                times.add(Phase.TO_TENSOR, time)
                times.frame(time)
            }
            repeat(30) { frame(it.toLong()) }
            val id = Thread.currentThread().id
            val before = threads.getThreadAllocatedBytes(id)
            repeat(50) { frame(100L + it) }
            val allocated = threads.getThreadAllocatedBytes(id) - before
            assertTrue(allocated < 50 * 64, "$allocated bytes in 50 frames")
        }
    }
}
