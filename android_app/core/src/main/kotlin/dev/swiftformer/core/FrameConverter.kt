package dev.swiftformer.core

import java.nio.ByteBuffer

/**
 * One camera frame of Android's YUV_420_888 at a time: copied out of the camera's buffers by [load] (which may be closed at
 * once then), and read upright as RGB.
 *
 * Colours are BT.601 full range, as JPEG has them, in Pillow's fixed point (`ConvertYCbCr.c`: 6 bits, each product rounded
 * half up): bytes equal those of Pillow's YCbCr to RGB, and are less than one level from the formula in real numbers. Each
 * chroma sample counts for its 2 x 2 pixels, without interpolation.
 *
 * Memory grows with the largest frame seen and is kept; a frame of a size seen before allocates nothing.
 */
class FrameConverter : RgbSource {
    override var width = 0
        private set
    override var height = 0
        private set

    private val luma = Plane()
    private val blue = Plane()
    private val red = Plane()

    // The part of the frame that counts, before rotation.
    private var cropLeft = 0
    private var cropTop = 0
    private var cropWidth = 0
    private var cropHeight = 0
    private var rotation = 0
    private var mirrored = false

    /**
     * Take a frame in. The planes' positions are moved, their bytes are not.
     *
     * @param y luma, one sample a pixel, from the plane's first byte (its position is not looked at).
     * @param u blue chroma, one sample for 2 x 2 pixels.
     * @param v red chroma.
     * @param yRowStride bytes from one row to the next; the last row may end with its last sample.
     * @param yPixelStride bytes from one sample to the next; Android promises 1.
     * @param uvRowStride of both chroma planes.
     * @param uvPixelStride of both: 1 (planar) or 2 (interleaved), as the device has them.
     * @param frameWidth of the whole frame, in pixels.
     * @param frameHeight of the whole frame.
     * @param left, top, right, bottom the part that counts (`Image.getCropRect`), in pixels; right and bottom are one past it.
     * @param rotationDegrees clockwise turn that makes it upright: 0, 90, 180 or 270.
     * @param mirror flip left and right after the turn, as people expect of a front camera.
     * @throws FrameException a plane is too short for its strides, or a number is out of range.
     */
    fun load(
        y: ByteBuffer, u: ByteBuffer, v: ByteBuffer,
        yRowStride: Int, yPixelStride: Int, uvRowStride: Int, uvPixelStride: Int,
        frameWidth: Int, frameHeight: Int,
        left: Int = 0, top: Int = 0, right: Int = frameWidth, bottom: Int = frameHeight,
        rotationDegrees: Int = 0, mirror: Boolean = false,
    ) {
        if (frameWidth !in 1..MAX_SIDE || frameHeight !in 1..MAX_SIDE) refuse("it has $frameWidth x $frameHeight pixels")
        if (left < 0 || top < 0 || right > frameWidth || bottom > frameHeight || left >= right || top >= bottom) {
            refuse("its part ($left, $top) to ($right, $bottom) is not inside $frameWidth x $frameHeight pixels")
        }
        if (rotationDegrees != 0 && rotationDegrees != 90 && rotationDegrees != 180 && rotationDegrees != 270) {
            refuse("its rotation is $rotationDegrees degrees")
        }
        val chromaWidth = (frameWidth + 1) / 2
        val chromaHeight = (frameHeight + 1) / 2
        luma.check("luma", y, yRowStride, yPixelStride, frameWidth, frameHeight)
        blue.check("blue chroma", u, uvRowStride, uvPixelStride, chromaWidth, chromaHeight)
        red.check("red chroma", v, uvRowStride, uvPixelStride, chromaWidth, chromaHeight)
        luma.copy(y, yRowStride, yPixelStride, frameWidth, frameHeight)
        blue.copy(u, uvRowStride, uvPixelStride, chromaWidth, chromaHeight)
        red.copy(v, uvRowStride, uvPixelStride, chromaWidth, chromaHeight)
        cropLeft = left
        cropTop = top
        cropWidth = right - left
        cropHeight = bottom - top
        rotation = rotationDegrees
        mirrored = mirror
        val sideways = rotationDegrees == 90 || rotationDegrees == 270
        width = if (sideways) cropHeight else cropWidth
        height = if (sideways) cropWidth else cropHeight
    }

    override fun read(firstRow: Int, rows: Int, firstColumn: Int, columns: Int, into: IntArray, columnStride: Int) {
        // Where the upright block lies before mirroring, and then in the frame as the sensor gave it.
        val x = if (mirrored) width - firstColumn - columns else firstColumn
        val sideways = rotation == 90 || rotation == 270
        val sensorColumns = if (sideways) rows else columns
        val sensorRows = if (sideways) columns else rows
        val sensorX = when (rotation) {
            0 -> x
            90 -> firstRow
            180 -> width - x - columns
            else -> height - firstRow - rows
        }
        val sensorY = when (rotation) {
            0 -> firstRow
            90 -> width - x - columns
            180 -> height - firstRow - rows
            else -> x
        }
        // Along a sensor row and from one to the next, how the place in the block moves; and whether backwards.
        val alongBack = if (sideways) rotation == 270 else (rotation == 180) != mirrored
        val downBack = if (sideways) (rotation == 90) != mirrored else rotation == 180
        val along = if (sideways) 3 else columnStride
        val down = if (sideways) columnStride else 3
        val step = if (alongBack) -along else along
        for (row in 0 until sensorRows) {
            var to = (if (downBack) sensorRows - 1 - row else row) * down
            if (alongBack) to += (sensorColumns - 1) * along
            convert(cropLeft + sensorX, cropTop + sensorY + row, sensorColumns, into, to, step)
        }
    }

    /** One run of a sensor row, from column [x] of row [y], to every [step]-th place from [start]. */
    private fun convert(x: Int, y: Int, count: Int, into: IntArray, start: Int, step: Int) {
        val lumas = luma.bytes
        val blues = blue.bytes
        val reds = red.bytes
        val lumaStep = luma.pixelStride
        val chromaStep = blue.pixelStride
        var lumaAt = y * luma.rowStride + x * lumaStep
        var chromaAt = (y shr 1) * blue.rowStride + (x shr 1) * chromaStep
        var to = start
        var left = count
        // An odd first column has its chroma to itself; after it they come in pairs.
        var pair = if (x and 1 == 1) 1 else minOf(2, left)
        while (left > 0) {
            val cb = blues[chromaAt].toInt() and 255
            val cr = reds[chromaAt].toInt() and 255
            val addRed = YuvTables.RED[cr]
            val addGreen = YuvTables.GREEN_OF_BLUE[cb] + YuvTables.GREEN_OF_RED[cr] shr 6
            val addBlue = YuvTables.BLUE[cb]
            chromaAt += chromaStep
            left -= pair
            while (pair > 0) {
                val luma = lumas[lumaAt].toInt() and 255
                into[to] = Math.max(0, Math.min(255, luma + addRed))
                into[to + 1] = Math.max(0, Math.min(255, luma + addGreen))
                into[to + 2] = Math.max(0, Math.min(255, luma + addBlue))
                lumaAt += lumaStep
                to += step
                pair--
            }
            pair = minOf(2, left)
        }
    }

    /**
     * The whole upright frame as interleaved RGB bytes, to keep a frozen frame; allocates a picture.
     *
     * @throws IllegalStateException no frame was loaded.
     */
    fun toPicture(): RgbPicture {
        check(width > 0) { "no frame was loaded" }
        val bytes = ByteArray(3 * width * height)
        val row = IntArray(3 * width)
        for (y in 0 until height) {
            read(y, 1, 0, width, row, 3)
            for (i in row.indices) bytes[y * row.size + i] = row[i].toByte()
        }
        return RgbPicture(width, height, bytes)
    }

    private fun refuse(what: String): Nothing = throw FrameException("camera frame: $what")

    /** A plane's bytes, copied; they keep their strides. */
    private inner class Plane {
        var bytes = ByteArray(0)
            private set
        var rowStride = 0
            private set
        var pixelStride = 0
            private set

        fun check(name: String, from: ByteBuffer, rowStride: Int, pixelStride: Int, columns: Int, rows: Int) {
            if (pixelStride !in 1..MAX_PIXEL_STRIDE) refuse("the pixel stride of its $name is $pixelStride")
            val rowBytes = (columns - 1) * pixelStride + 1
            if (rowStride < rowBytes || rowStride > MAX_ROW_STRIDE) {
                refuse("the row stride of its $name is $rowStride, and a row has $rowBytes bytes")
            }
            val needed = (rows - 1).toLong() * rowStride + rowBytes
            if (needed > from.limit()) refuse("its $name has ${from.limit()} bytes, and $rows rows need $needed")
        }

        fun copy(from: ByteBuffer, rowStride: Int, pixelStride: Int, columns: Int, rows: Int) {
            val needed = (rows - 1) * rowStride + (columns - 1) * pixelStride + 1
            if (bytes.size < needed) bytes = ByteArray(needed)
            from.position(0)
            from.get(bytes, 0, needed)
            this.rowStride = rowStride
            this.pixelStride = pixelStride
        }
    }

    private companion object {
        const val MAX_SIDE = 16_384
        const val MAX_PIXEL_STRIDE = 16
        const val MAX_ROW_STRIDE = 1 shl 17
    }
}

/** A camera frame's planes, strides or rotation contradict each other; [message] is one line. */
class FrameException(message: String) : Exception(message)

/**
 * BT.601 full range (JFIF): R = Y + 1.402 (Cr - 128), G = Y - 0.34414 (Cb - 128) - 0.71414 (Cr - 128),
 * B = Y + 1.772 (Cb - 128); the products times 64, plus a half, cut towards zero, as Pillow's tables hold them.
 */
internal object YuvTables {
    val RED = IntArray(256) { product(1.402, it) shr 6 }
    val GREEN_OF_BLUE = IntArray(256) { product(-0.34414, it) }
    val GREEN_OF_RED = IntArray(256) { product(-0.71414, it) }
    val BLUE = IntArray(256) { product(1.772, it) shr 6 }

    private fun product(factor: Double, chroma: Int): Int = (factor * 64 * (chroma - 128) + 0.5).toInt()
}
