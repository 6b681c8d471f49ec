package dev.swiftformer.core

/**
 * A picture whose pixels are read in blocks of rows, so that no source is ever copied whole into a wider type.
 *
 * Blocks are handed out column by column, because [Resampler]'s first pass works along rows and is fastest where the
 * pixels of a column lie side by side.
 */
interface RgbSource {
    /** In pixels, upright (after rotation and mirroring). */
    val width: Int

    /** In pixels, upright. */
    val height: Int

    /**
     * Write the pixels of [rows] rows from [firstRow] and [columns] columns from [firstColumn]: channel `c` (red, green,
     * blue; 0 to 255) of pixel `(x, y)` goes to `into[(x - firstColumn) * columnStride + (y - firstRow) * 3 + c]`.
     *
     * Ranges are inside the picture, and [into] is large enough; nothing is allocated.
     */
    fun read(firstRow: Int, rows: Int, firstColumn: Int, columns: Int, into: IntArray, columnStride: Int)
}

/** A picture of interleaved RGB bytes, row after row without padding: 3 * [width] * [height] of them. */
class RgbPicture(override val width: Int, override val height: Int, val bytes: ByteArray) : RgbSource {
    init {
        require(width > 0 && height > 0 && bytes.size.toLong() == 3L * width * height) {
            "a picture of $width x $height pixels has ${3L * width * height} bytes, not ${bytes.size}"
        }
    }

    override fun read(firstRow: Int, rows: Int, firstColumn: Int, columns: Int, into: IntArray, columnStride: Int) {
        for (row in 0 until rows) {
            var from = ((firstRow + row) * width + firstColumn) * 3
            var to = row * 3
            for (column in 0 until columns) {
                into[to] = bytes[from].toInt() and 255
                into[to + 1] = bytes[from + 1].toInt() and 255
                into[to + 2] = bytes[from + 2].toInt() and 255
                from += 3
                to += columnStride
            }
        }
    }
}

/**
 * A picture read row by row as 32-bit ARGB, not premultiplied (`Bitmap.getPixels` of a bitmap decoded with
 * `inPremultiplied = false`, or one without alpha), so that a large photo is never held twice.
 *
 * Transparency is laid over white, `round((c * a + 255 * (255 - a)) / 255)`, as in Python's `open_picture`.
 *
 * @property orientation as EXIF's tag 0x0112 has it, 1 to 8: the turn that makes the picture upright is undone here;
 * other values count as 1.
 */
class ArgbRows(private val rows: Rows, private val orientation: Int = 1) : RgbSource {

    /** Where the pixels come from. */
    interface Rows {
        val width: Int
        val height: Int

        /** Write [count] pixels of row [row] from column [firstColumn] to the beginning of [into]. */
        fun read(row: Int, firstColumn: Int, count: Int, into: IntArray)
    }

    private val swaps = orientation in 5..8
    override val width: Int = if (swaps) rows.height else rows.width
    override val height: Int = if (swaps) rows.width else rows.height
    private val line = IntArray(maxOf(1, rows.width))

    init {
        require(rows.width > 0 && rows.height > 0) { "a picture of ${rows.width} x ${rows.height} pixels" }
    }

    override fun read(firstRow: Int, rows: Int, firstColumn: Int, columns: Int, into: IntArray, columnStride: Int) {
        // Upright x follows the file's x or, where the picture lies on its side, the file's y; either may run backwards.
        val backX = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7
        val backY = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8
        val left = if (backX) width - firstColumn - columns else firstColumn
        val top = if (backY) height - firstRow - rows else firstRow
        val lineCount = if (swaps) columns else rows
        val pixelCount = if (swaps) rows else columns
        val lineStep = if (swaps) columnStride else 3
        val pixelStep = if (swaps) 3 else columnStride
        val linesBack = if (swaps) backX else backY
        val pixelsBack = if (swaps) backY else backX
        for (index in 0 until lineCount) {
            this.rows.read((if (swaps) left else top) + index, if (swaps) top else left, pixelCount, line)
            var to = (if (linesBack) lineCount - 1 - index else index) * lineStep
            if (pixelsBack) to += (pixelCount - 1) * pixelStep
            val step = if (pixelsBack) -pixelStep else pixelStep
            for (pixel in 0 until pixelCount) {
                put(line[pixel], into, to)
                to += step
            }
        }
    }

    private fun put(argb: Int, into: IntArray, to: Int) {
        val alpha = argb ushr 24
        if (alpha == 255) {
            into[to] = argb shr 16 and 255
            into[to + 1] = argb shr 8 and 255
            into[to + 2] = argb and 255
        } else {
            into[to] = overWhite(argb shr 16 and 255, alpha)
            into[to + 1] = overWhite(argb shr 8 and 255, alpha)
            into[to + 2] = overWhite(argb and 255, alpha)
        }
    }

    /** 255 is odd, so there are no ties. */
    private fun overWhite(value: Int, alpha: Int): Int = (value * alpha + 255 * (255 - alpha) + 127) / 255

    /** The pixels of a whole picture: `width * height` ARGB values, row after row. */
    class Pixels(override val width: Int, override val height: Int, private val argb: IntArray) : Rows {
        init {
            require(argb.size.toLong() == width.toLong() * height) {
                "a picture of $width x $height pixels, but ${argb.size} values"
            }
        }

        override fun read(row: Int, firstColumn: Int, count: Int, into: IntArray) {
            System.arraycopy(argb, row * width + firstColumn, into, 0, count)
        }
    }
}
