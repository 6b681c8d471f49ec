package dev.swiftformer.core

import kotlin.math.ceil

/**
 * The weights of one axis, as Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` give them for the whole picture,
 * for the outputs from [first] on.
 *
 * Output `i` is the sum of `weights[i * stride + j] * source[starts[i] + j]` for `j` below `counts[i]`, plus half, shifted
 * right by [PRECISION_BITS], clipped to 0 to 255.
 */
internal class ResampleAxis(sourceSize: Int, scaledSize: Int, filter: ResampleFilter, first: Int, val size: Int) {
    val starts = IntArray(size)
    val counts = IntArray(size)
    val stride: Int
    val weights: IntArray

    init {
        require(first >= 0 && size > 0 && first + size <= scaledSize) { "outputs $first + $size of $scaledSize" }
        when {
            filter == ResampleFilter.NEAREST -> {
                stride = 1
                weights = IntArray(size) { ONE }
                pickNearest(sourceSize, scaledSize, first)
            }
            // Pillow leaves an axis alone that keeps its size; a weight of exactly one does the same.
            sourceSize == scaledSize -> {
                stride = 1
                weights = IntArray(size) { ONE }
                for (i in 0 until size) {
                    starts[i] = first + i
                    counts[i] = 1
                }
            }
            else -> {
                val scale = sourceSize.toDouble() / scaledSize
                val shrink = if (scale < 1.0) 1.0 else scale
                val support = filter.support * shrink
                stride = ceil(support).toInt() * 2 + 1
                weights = IntArray(Math.multiplyExact(size, stride))
                weigh(sourceSize, scale, shrink, support, filter, first)
            }
        }
    }

    /** First source index that an output needs. */
    val sourceFirst: Int = starts.minOrNull() ?: 0

    /** One past the last source index that an output needs. */
    val sourceEnd: Int = (0 until size).maxOf { starts[it] + counts[it] }

    /** Most source values that one output needs. */
    val longest: Int = counts.maxOrNull() ?: 1

    private fun weigh(
        sourceSize: Int, scale: Double, shrink: Double, support: Double, filter: ResampleFilter, first: Int,
    ) {
        val real = DoubleArray(stride)
        val inverse = 1.0 / shrink
        for (i in 0 until size) {
            val center = (first + i + 0.5) * scale
            val start = maxOf(0, (center - support + 0.5).toInt())
            val count = minOf(sourceSize, (center + support + 0.5).toInt()) - start
            var sum = 0.0
            for (j in 0 until count) {
                real[j] = filter.at((j + start - center + 0.5) * inverse)
                sum += real[j]
            }
            for (j in 0 until count) {
                val weight = (if (sum != 0.0) real[j] / sum else real[j]) * ONE
                weights[i * stride + j] = (if (weight < 0) weight - 0.5 else weight + 0.5).toInt()
            }
            starts[i] = start
            counts[i] = count
        }
    }

    /** As Pillow's `ImagingScaleAffine`, which adds the scale up from one output to the next. */
    private fun pickNearest(sourceSize: Int, scaledSize: Int, first: Int) {
        val scale = sourceSize.toDouble() / scaledSize
        var position = scale * 0.5
        for (i in 0 until first + size) {
            if (i >= first) {
                starts[i - first] = position.toInt()
                counts[i - first] = 1
            }
            position += scale
        }
    }

    companion object {
        const val PRECISION_BITS = 32 - 8 - 2
        const val ONE = 1 shl PRECISION_BITS
    }
}
