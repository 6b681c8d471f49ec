package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Random

/** What must hold for any picture, beside the golden tensors; and the writer's own refusals. */
class ResamplerTest {
    private val random = Random(12)

    private fun scaled(picture: RgbPicture, width: Int, height: Int, filter: ResampleFilter): ByteArray =
        ByteArray(3 * width * height).also { Resampler(picture.width, picture.height, width, height, filter).resample(picture, it) }

    private fun picture(width: Int, height: Int): RgbPicture =
        RgbPicture(width, height, ByteArray(3 * width * height).also { random.nextBytes(it) })

    @Test
    fun aPartIsThatPartOfTheWhole() {
        repeat(300) {
            val picture = picture(1 + random.nextInt(60), 1 + random.nextInt(60))
            val width = 1 + random.nextInt(50)
            val height = 1 + random.nextInt(50)
            val filter = ResampleFilter.values()[it % 6]
            val whole = scaled(picture, width, height, filter)
            val left = random.nextInt(width)
            val top = random.nextInt(height)
            val columns = 1 + random.nextInt(width - left)
            val rows = 1 + random.nextInt(height - top)
            val part = ByteArray(3 * columns * rows)
            Resampler(picture.width, picture.height, width, height, filter, left, top, columns, rows).resample(picture, part)
            for (y in 0 until rows) {
                val from = ((top + y) * width + left) * 3
                assertArrayEquals(whole.copyOfRange(from, from + 3 * columns), part.copyOfRange(3 * columns * y, 3 * columns * (y + 1)))
            }
        }
    }

    @Test
    fun oneColourStaysAndTheSameSizeIsTheSamePicture() {
        for (filter in ResampleFilter.values()) {
            val grey = RgbPicture(37, 23, ByteArray(3 * 37 * 23) { 200.toByte() })
            assertTrue(scaled(grey, 19, 41, filter).all { it == 200.toByte() })
            val picture = picture(13, 17)
            assertArrayEquals(picture.bytes, scaled(picture, 13, 17, filter))
        }
    }

    @Test
    fun oneObjectServesManyPicturesAndKeepsNothing() {
        val resampler = Resampler(31, 29, 17, 19, ResampleFilter.BICUBIC)
        val into = ByteArray(3 * 17 * 19)
        repeat(20) {
            val picture = picture(31, 29)
            resampler.resample(picture, into)
            assertArrayEquals(scaled(picture, 17, 19, ResampleFilter.BICUBIC), into)
        }
    }

    @Test
    fun longPicturesTakeLittleMemory() {
        for ((width, height) in listOf(1 to 300_000, 300_000 to 1, 2 to 100_000)) {
            val rows = object : ArgbRows.Rows {
                override val width = width
                override val height = height
                override fun read(row: Int, firstColumn: Int, count: Int, into: IntArray) = into.fill(-1, 0, count)
            }
            val into = ByteArray(3 * 9 * 9)
            Resampler(width, height, 9, 9, ResampleFilter.LANCZOS).resample(ArgbRows(rows), into)
            assertTrue(into.all { it == (-1).toByte() })
        }
    }

    @Test
    fun whatDoesNotFitIsRefused() {
        val resampler = Resampler(8, 8, 4, 4, ResampleFilter.BOX)
        assertThrows(IllegalArgumentException::class.java) { resampler.resample(picture(8, 9), ByteArray(48)) }
        assertThrows(IllegalArgumentException::class.java) { resampler.resample(picture(8, 8), ByteArray(47)) }
        assertThrows(IllegalArgumentException::class.java) { RgbPicture(2, 2, ByteArray(11)) }
        assertThrows(IllegalArgumentException::class.java) { RgbPicture(-1, -1, ByteArray(3)) }
        assertThrows(IllegalArgumentException::class.java) { ArgbRows.Pixels(2, 2, IntArray(3)) }
        val preprocessing = Preprocessing(4, 4)
        val shape = listOf(1, 4, 4, 3)
        for (spec in listOf(
            TensorSpec("", listOf(1, 4, 4, 1), TensorType.FLOAT32), TensorSpec("", listOf(1, 3, 4, 4), TensorType.FLOAT32),
            TensorSpec("", shape, TensorType.INT8), TensorSpec("", shape, TensorType.UINT8, Float.NaN, 0),
        )) {
            assertThrows(IllegalArgumentException::class.java) { InputWriter(preprocessing, InputKind.PIXELS, spec) }
        }
        val writer = InputWriter(preprocessing, InputKind.PIXELS, TensorSpec("", shape, TensorType.FLOAT32))
        assertThrows(IllegalArgumentException::class.java) { writer.write(picture(5, 5), ByteBuffer.allocateDirect(191)) }
    }

    @Test
    fun theWriterFollowsPicturesAndBuffersOfAnySize() {
        val writer = InputWriter(Preprocessing(6, 5), InputKind.PIXELS, TensorSpec("", listOf(1, 6, 5, 3), TensorType.FLOAT32))
        for ((width, height) in listOf(9 to 9, 30 to 12, 9 to 9, 5 to 40)) {
            val picture = picture(width, height)
            val into = ByteBuffer.allocateDirect(360)
            into.position(100)
            writer.write(picture, into)
            assertEquals(0, into.position())
            into.order(ByteOrder.nativeOrder())
            for (i in 0 until 90) assertEquals((writer.pixels[i].toInt() and 255).toFloat(), into.getFloat(4 * i))
        }
    }
}
