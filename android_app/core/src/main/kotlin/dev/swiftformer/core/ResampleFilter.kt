package dev.swiftformer.core

import kotlin.math.cos
import kotlin.math.sin

/**
 * Pillow's resampling filters by their names.
 *
 * Formulas and the order of operations are those of Pillow's `Resample.c`: the bytes depend on both.
 *
 * @property support half the width of the filter, in source pixels where it does not shrink.
 */
enum class ResampleFilter(internal val support: Double) {
    NEAREST(0.0),
    BILINEAR(1.0),
    BICUBIC(2.0),
    LANCZOS(3.0),
    BOX(0.5),
    HAMMING(1.0);

    /** The filter's value at distance [x] from its centre; [NEAREST] picks a pixel and has none. */
    internal fun at(x: Double): Double {
        val distance = if (x < 0.0) -x else x
        return when (this) {
            NEAREST -> throw IllegalStateException("nearest has no weights")
            BOX -> if (x > -0.5 && x <= 0.5) 1.0 else 0.0
            BILINEAR -> if (distance < 1.0) 1.0 - distance else 0.0
            HAMMING -> when {
                distance == 0.0 -> 1.0
                distance >= 1.0 -> 0.0
                else -> {
                    val angle = distance * Math.PI
                    // 0.54 and 0.46 are floats there.
                    sin(angle) / angle * (0.54f.toDouble() + 0.46f.toDouble() * cos(angle))
                }
            }
            BICUBIC -> when {
                distance < 1.0 -> ((-0.5 + 2.0) * distance - (-0.5 + 3.0)) * distance * distance + 1
                distance < 2.0 -> (((distance - 5) * distance + 8) * distance - 4) * -0.5
                else -> 0.0
            }
            LANCZOS -> if (x >= -3.0 && x < 3.0) sinc(x) * sinc(x / 3) else 0.0
        }
    }

    private fun sinc(x: Double): Double {
        if (x == 0.0) return 1.0
        val angle = x * Math.PI
        return sin(angle) / angle
    }
}
