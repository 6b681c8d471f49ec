package dev.swiftformer.core

/** The parts of a frame's time. */
enum class Phase {
    /** From the camera's planes to the input tensor. */
    TO_TENSOR,

    /** The runtime. */
    INFERENCE,

    /** From the output tensor to what is shown. */
    AFTER,
}

/**
 * Frames per second and the time of each phase, over the last [window] frames. The clock is passed in; allocates nothing
 * after it is made. Not for several threads at once.
 */
class PhaseTimes(private val window: Int = 30) {
    private val durations = Array(Phase.values().size) { LongArray(window) }
    private val counts = IntArray(Phase.values().size)
    private val frames = LongArray(window + 1)
    private var frameCount = 0

    init {
        require(window > 0) { "a window of $window frames" }
    }

    /** A phase took [nanoseconds]; negative ones count as 0. */
    fun add(phase: Phase, nanoseconds: Long) {
        val at = phase.ordinal
        durations[at][counts[at] % window] = maxOf(0, nanoseconds)
        counts[at]++
        if (counts[at] == 2 * window) counts[at] = window
    }

    /** A frame was shown at [nanoseconds] of a clock that only goes forward. */
    fun frame(nanoseconds: Long) {
        frames[frameCount % frames.size] = nanoseconds
        frameCount++
        if (frameCount == 2 * frames.size) frameCount = frames.size
    }

    /** Mean of the phase's last times in milliseconds; 0 before the first. */
    fun meanMs(phase: Phase): Double {
        val count = minOf(counts[phase.ordinal], window)
        if (count == 0) return 0.0
        var sum = 0L
        for (i in 0 until count) sum += durations[phase.ordinal][i]
        return sum / 1e6 / count
    }

    /** Frames per second between the oldest and the newest frame of the window; 0 before the second. */
    fun framesPerSecond(): Double {
        val count = minOf(frameCount, frames.size)
        if (count < 2) return 0.0
        val newest = frames[(frameCount - 1) % frames.size]
        val oldest = frames[if (frameCount < frames.size) 0 else frameCount % frames.size]
        return if (newest <= oldest) 0.0 else (count - 1) * 1e9 / (newest - oldest)
    }

    /** Forget all: another model or delegate. */
    fun reset() {
        counts.fill(0)
        frameCount = 0
    }
}
