package dev.swiftformer.core

/**
 * When an engine is warm: one rule, the same here and in Python (`swiftformer_keras/benchmark/warm_up.py`, which says why
 * its numbers are what they are).
 *
 * Runs are looked at in windows of 8, one after the other; a window's figure is the median of its runs (the mean of the
 * 4th and the 5th smallest). After each full window warm-up ends as stable when three windows or more are full, the runs
 * so far took 500 ms or more together or are 400 or more, and of the last three windows' medians the largest is at most
 * 1.03 times the smallest. Otherwise it ends at the limit when 400 runs are done or they took 10,000 ms or more together.
 */
object WarmUp {
    enum class Next { MORE, STABLE, LIMIT }

    const val WINDOW = 8
    private const val WINDOWS = 3
    private const val TOLERANCE = 1.03
    private const val LEAST_MS = 500.0
    private const val MOST_RUNS = 400
    private const val MOST_MS = 10_000.0

    /** What follows after the runs so far, in order; in the midst of a window always [Next.MORE]. */
    fun judge(runsMs: DoubleArray): Next {
        val count = runsMs.size
        if (count == 0 || count % WINDOW != 0) return Next.MORE
        val total = runsMs.sum()
        if (count >= WINDOWS * WINDOW && (total >= LEAST_MS || count >= MOST_RUNS)) {
            val medians = DoubleArray(WINDOWS) { median(runsMs, count - (WINDOWS - it) * WINDOW) }
            if (medians.maxOrNull()!! <= TOLERANCE * medians.minOrNull()!!) return Next.STABLE
        }
        return if (count >= MOST_RUNS || total >= MOST_MS) Next.LIMIT else Next.MORE
    }

    private fun median(runsMs: DoubleArray, from: Int): Double {
        val window = runsMs.copyOfRange(from, from + WINDOW)
        window.sort()
        return (window[WINDOW / 2 - 1] + window[WINDOW / 2]) / 2
    }
}

/** Times as they come, in milliseconds, without an object for each. */
class Times(expected: Int) {
    private var values = DoubleArray(expected.coerceIn(16, 1 shl 16))
    var count = 0
        private set
    var totalMs = 0.0
        private set

    fun add(ms: Double) {
        if (count == values.size) values = values.copyOf(2 * count)
        values[count++] = ms
        totalMs += ms
    }

    fun toArray(): DoubleArray = values.copyOf(count)
}
