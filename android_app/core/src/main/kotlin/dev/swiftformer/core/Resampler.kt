package dev.swiftformer.core

/**
 * Antialiased resampling of 8-bit RGB with Pillow's bytes (`Resample.c` of Pillow 13): along rows, rounded to 8 bits, then
 * along columns, both in 22-bit fixed point; the other way round where the height shrinks by more than twice the pixels
 * that the width does. Only the part of the scaled picture that is asked for is computed.
 *
 * One object serves pictures of one size; it allocates when it is made and never after. Not for several threads at once.
 *
 * @param sourceWidth of the pictures, in pixels.
 * @param sourceHeight of the pictures, in pixels.
 * @param scaledWidth what they are scaled to.
 * @param scaledHeight what they are scaled to.
 * @param left first column of the scaled picture that is wanted.
 * @param top first row of the scaled picture that is wanted.
 * @param width how many columns are wanted.
 * @param height how many rows are wanted.
 */
class Resampler(
    val sourceWidth: Int,
    val sourceHeight: Int,
    scaledWidth: Int,
    scaledHeight: Int,
    filter: ResampleFilter,
    left: Int = 0,
    top: Int = 0,
    val width: Int = scaledWidth,
    val height: Int = scaledHeight,
) {
    /** Columns come first: rows and columns change their parts, here and in what is read and written. */
    private val turned = sourceHeight > scaledHeight &&
        sourceHeight.toLong() - scaledHeight > (sourceWidth.toLong() - scaledWidth) * 2
    private val across =
        if (turned) ResampleAxis(sourceHeight, scaledHeight, filter, top, height)
        else ResampleAxis(sourceWidth, scaledWidth, filter, left, width)
    private val down =
        if (turned) ResampleAxis(sourceWidth, scaledWidth, filter, left, width)
        else ResampleAxis(sourceHeight, scaledHeight, filter, top, height)

    private val columns = across.sourceEnd - across.sourceFirst
    private val rowLength = across.size * 3
    private val block = minOf(BLOCK_ROWS, maxOf(1, BLOCK_PIXELS / columns), down.sourceEnd - down.sourceFirst)
    private val columnStride = block * 3
    private val source = IntArray(Math.multiplyExact(columns, columnStride))
    private val unturned = IntArray(if (turned) source.size else 0)

    /** Rows that went through the first pass, in a ring: as many as one output needs, and a block more. */
    private val ringRows = minOf(down.longest + block, down.sourceEnd - down.sourceFirst)
    private val ring = IntArray(Math.multiplyExact(ringRows, rowLength))
    private val columnSums = IntArray(columnStride)
    private val rowSums = IntArray(rowLength)

    /**
     * Scale [picture] and write the part that is wanted to [into]: 3 * [width] * [height] bytes, RGB, row after row.
     *
     * @throws IllegalArgumentException the picture has another size, or [into] is too small.
     */
    fun resample(picture: RgbSource, into: ByteArray) {
        require(picture.width == sourceWidth && picture.height == sourceHeight) {
            "a picture of ${picture.width} x ${picture.height} pixels where $sourceWidth x $sourceHeight were announced"
        }
        require(into.size >= 3 * width * height) { "${into.size} bytes are too few for $width x $height pixels" }
        var next = down.sourceFirst
        for (row in 0 until down.size) {
            val end = down.starts[row] + down.counts[row]
            while (next < end) {
                val rows = minOf(block, down.sourceEnd - next)
                read(picture, next, rows)
                alongRows(next, rows)
                next += rows
            }
            alongColumns(row, into)
        }
    }

    /** A block of rows into [source], column by column; turned, of columns, row by row. */
    private fun read(picture: RgbSource, first: Int, rows: Int) {
        if (!turned) {
            picture.read(first, rows, across.sourceFirst, columns, source, columnStride)
            return
        }
        val stride = columns * 3
        picture.read(across.sourceFirst, columns, first, rows, unturned, stride)
        for (row in 0 until rows) {
            var from = row * stride
            var to = row * 3
            for (column in 0 until columns) {
                source[to] = unturned[from]
                source[to + 1] = unturned[from + 1]
                source[to + 2] = unturned[from + 2]
                from += 3
                to += columnStride
            }
        }
    }

    /** First pass: a block of source rows into the ring. */
    private fun alongRows(firstRow: Int, rows: Int) {
        val length = rows * 3
        for (column in 0 until across.size) {
            var from = (across.starts[column] - across.sourceFirst) * columnStride
            var weight = column * across.stride
            var left = across.counts[column]
            addFirst(columnSums, source, from, across.weights[weight], length)
            from += columnStride
            weight++
            left--
            while (left >= 4) {
                addFour(
                    columnSums, source, from, from + columnStride, from + 2 * columnStride, from + 3 * columnStride,
                    across.weights, weight, length,
                )
                from += 4 * columnStride
                weight += 4
                left -= 4
            }
            while (left > 0) {
                addOne(columnSums, source, from, across.weights[weight], length)
                from += columnStride
                weight++
                left--
            }
            clip(columnSums, length)
            var to = firstRow % ringRows * rowLength + column * 3
            var sum = 0
            for (row in 0 until rows) {
                if (to >= ring.size) to -= ring.size
                ring[to] = columnSums[sum]
                ring[to + 1] = columnSums[sum + 1]
                ring[to + 2] = columnSums[sum + 2]
                to += rowLength
                sum += 3
            }
        }
    }

    /** Second pass: the ring's rows into one row of the result. */
    private fun alongColumns(row: Int, into: ByteArray) {
        val start = down.starts[row]
        val count = down.counts[row]
        val weight = row * down.stride
        addFirst(rowSums, ring, start % ringRows * rowLength, down.weights[weight], rowLength)
        var tap = 1
        while (tap + 4 <= count) {
            addFour(
                rowSums, ring, (start + tap) % ringRows * rowLength, (start + tap + 1) % ringRows * rowLength,
                (start + tap + 2) % ringRows * rowLength, (start + tap + 3) % ringRows * rowLength,
                down.weights, weight + tap, rowLength,
            )
            tap += 4
        }
        while (tap < count) {
            addOne(rowSums, ring, (start + tap) % ringRows * rowLength, down.weights[weight + tap], rowLength)
            tap++
        }
        clip(rowSums, rowLength)
        if (turned) {
            var to = row * 3
            for (i in 0 until rowLength step 3) {
                into[to] = rowSums[i].toByte()
                into[to + 1] = rowSums[i + 1].toByte()
                into[to + 2] = rowSums[i + 2].toByte()
                to += 3 * width
            }
        } else {
            val to = row * rowLength
            for (i in 0 until rowLength) into[to + i] = rowSums[i].toByte()
        }
    }

    // The loops below are what a just-in-time compiler turns into vector instructions: counted, over ints, one array
    // written, no branch.

    private fun addFirst(sums: IntArray, from: IntArray, at: Int, weight: Int, length: Int) {
        for (i in 0 until length) sums[i] = HALF + weight * from[at + i]
    }

    private fun addOne(sums: IntArray, from: IntArray, at: Int, weight: Int, length: Int) {
        for (i in 0 until length) sums[i] += weight * from[at + i]
    }

    private fun addFour(
        sums: IntArray, from: IntArray, a: Int, b: Int, c: Int, d: Int, weights: IntArray, weight: Int, length: Int,
    ) {
        val weightA = weights[weight]
        val weightB = weights[weight + 1]
        val weightC = weights[weight + 2]
        val weightD = weights[weight + 3]
        for (i in 0 until length) {
            sums[i] += weightA * from[a + i] + weightB * from[b + i] + weightC * from[c + i] + weightD * from[d + i]
        }
    }

    private fun clip(sums: IntArray, length: Int) {
        for (i in 0 until length) sums[i] = Math.max(0, Math.min(255, sums[i] shr ResampleAxis.PRECISION_BITS))
    }

    private companion object {
        const val HALF = 1 shl (ResampleAxis.PRECISION_BITS - 1)

        /** Rows that are read at a time: enough for long loops, few enough for their columns to stay in the cache. */
        const val BLOCK_ROWS = 64

        /** Pixels that are read at a time at most, for pictures that are very long: 3 MB. */
        const val BLOCK_PIXELS = 1 shl 18
    }
}
