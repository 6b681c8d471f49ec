package dev.swiftformer.core

import kotlin.math.exp

/**
 * Confidence bars that a person can read: probabilities smoothed over time, in an order that does not flicker.
 *
 * Each class's probability follows `p += (1 - exp(-dt / tau)) * (new - p)`, so that the speed does not depend on the
 * frame rate; they still sum to 1. The classes shown change place only where one leads by [margin] or more, or has led for
 * [patienceMs]; two that are close stay as they are.
 *
 * @param classes of the model.
 * @param shown how many are shown.
 * @param tauMs after this time a change has arrived to 63 %.
 * @param margin of probability by which a class must lead to pass another at once.
 * @param patienceMs for how long a smaller lead must last.
 */
class ConfidenceSmoother(
    private val classes: Int,
    shown: Int = 5,
    private val tauMs: Double = 250.0,
    private val margin: Float = 0.03f,
    private val patienceMs: Double = 600.0,
) {
    /** How many classes are shown. */
    val count = minOf(shown, classes)

    /** Indices of the classes shown, best first. */
    val order = IntArray(count)

    /** Smoothed probabilities of all classes. */
    val probabilities = FloatArray(classes)

    private val top = TopK(count, classes)
    private var started = false
    private val leadMs = DoubleArray(count)
    private var outsiderMs = 0.0

    init {
        require(shown > 0 && classes > 0) { "$shown bars of $classes classes" }
        require(tauMs > 0 && margin >= 0 && patienceMs >= 0) { "tau $tauMs ms, margin $margin, patience $patienceMs ms" }
    }

    /** Smoothed probability of the class at [place] of the order, 0 the best. */
    fun probability(place: Int): Float = probabilities[order[place]]

    /** Begin anew with the next frame: another model, a still picture. */
    fun reset() {
        started = false
    }

    /**
     * Take in a frame's probabilities, [elapsedMs] after the frame before. A frame with a value that is not finite is left
     * out, and false returned.
     */
    fun update(frame: FloatArray, elapsedMs: Double): Boolean {
        require(frame.size == classes) { "${frame.size} probabilities for $classes classes" }
        for (value in frame) if (value.isNaN() || value.isInfinite()) return false
        if (!started) {
            frame.copyInto(probabilities)
            top.update(probabilities)
            top.indices.copyInto(order)
            leadMs.fill(0.0)
            outsiderMs = 0.0
            started = true
            return true
        }
        val elapsed = if (elapsedMs > 0) elapsedMs else 0.0
        val share = (1 - exp(-elapsed / tauMs)).toFloat()
        for (i in frame.indices) probabilities[i] += share * (frame[i] - probabilities[i])
        top.update(probabilities)
        bringIn(elapsed)
        settle(elapsed)
        return true
    }

    /** A class that is not shown takes the place of the weakest where it leads that clearly or has led for long. */
    private fun bringIn(elapsed: Double) {
        var waiting = false
        for (candidate in top.indices) {
            if (isShown(candidate)) continue
            var weakest = 0
            for (place in 1 until count) if (probability(place) <= probability(weakest)) weakest = place
            val lead = probabilities[candidate] - probability(weakest)
            if (lead <= 0) continue
            if (lead < margin && outsiderMs + elapsed < patienceMs) {
                waiting = true
                continue
            }
            for (place in weakest until count - 1) order[place] = order[place + 1]
            order[count - 1] = candidate
            leadMs.fill(0.0)
        }
        outsiderMs = if (waiting) outsiderMs + elapsed else 0.0
    }

    /** Neighbours change places, one step at a time, where the lower leads clearly or has led for long. */
    private fun settle(elapsed: Double) {
        var moved = true
        var first = true
        while (moved) {
            moved = false
            for (place in 1 until count) {
                val lead = probability(place) - probability(place - 1)
                if (first) leadMs[place] = if (lead > 0) leadMs[place] + elapsed else 0.0
                if (lead > 0 && (lead >= margin || leadMs[place] >= patienceMs)) {
                    val index = order[place]
                    order[place] = order[place - 1]
                    order[place - 1] = index
                    leadMs[place] = 0.0
                    leadMs[place - 1] = 0.0
                    moved = true
                }
            }
            first = false
        }
    }

    private fun isShown(index: Int): Boolean {
        for (shown in order) if (shown == index) return true
        return false
    }
}
