package dev.swiftformer.core

import kotlin.math.floor
import kotlin.math.sqrt

/**
 * Figures of a list of times in milliseconds; quantiles are numpy's default (linear between neighbours), the standard
 * deviation is that of a sample (divided by n - 1; 0 of one value).
 *
 * @throws IllegalArgumentException there is no value, or one that is no number.
 */
class Statistics(samples: DoubleArray) {
    private val sorted = samples.copyOf().also { it.sort() }
    val count: Int = sorted.size
    val mean: Double
    val standardDeviation: Double

    init {
        require(count > 0 && sorted.all { !it.isNaN() && !it.isInfinite() }) { "figures of no or of no real numbers" }
        mean = sorted.sum() / count
        standardDeviation = if (count == 1) 0.0 else sqrt(sorted.sumOf { (it - mean) * (it - mean) } / (count - 1))
    }

    /** The value below which the share [at] (0 to 1) of the samples lies. */
    fun quantile(at: Double): Double {
        require(at in 0.0..1.0) { "quantile $at" }
        val place = at * (count - 1)
        val below = floor(place).toInt()
        val above = minOf(below + 1, count - 1)
        return sorted[below] + (place - below) * (sorted[above] - sorted[below])
    }

    fun toJson(): Map<String, Any?> = linkedMapOf(
        "count" to count, "mean" to mean, "standard_deviation" to standardDeviation, "minimum" to sorted.first(),
        "p10" to quantile(0.1), "median" to quantile(0.5), "p90" to quantile(0.9), "p99" to quantile(0.99),
        "maximum" to sorted.last(),
    )
}
