package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Random
import kotlin.math.abs

/** Outputs read, best classes, smoothing, times. */
class ScoresTest {
    private fun output(vararg values: Float): ByteBuffer {
        val buffer = ByteBuffer.allocateDirect(4 * values.size).order(ByteOrder.nativeOrder())
        values.forEach { buffer.putFloat(it) }
        return buffer
    }

    private fun spec(classes: Int, type: TensorType = TensorType.FLOAT32, scale: Float = 0f, zero: Int = 0) =
        TensorSpec("", listOf(1, classes), type, scale, zero)

    @Test
    fun logitsBecomeProbabilities() {
        val scores = Scores(spec(3), OutputKind.LOGITS)
        scores.read(output(1f, 2f, 3f))
        // numpy: exp(x) / sum(exp(x))
        assertArrayEquals(floatArrayOf(0.09003057f, 0.24472848f, 0.66524094f), scores.probabilities, 1e-7f)
        scores.read(output(1000f, 1000f, -1000f))
        assertArrayEquals(floatArrayOf(0.5f, 0.5f, 0f), scores.probabilities, 0f)
        assertTrue(scores.finite)
    }

    @Test
    fun probabilitiesStayAsTheyAre() {
        val scores = Scores(spec(2), OutputKind.PROBABILITIES)
        scores.read(output(0.25f, 0.75f))
        assertArrayEquals(floatArrayOf(0.25f, 0.75f), scores.probabilities, 0f)
    }

    @Test
    fun whatIsNoNumberIsSeen() {
        for (bad in floatArrayOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)) {
            val scores = Scores(spec(2), OutputKind.LOGITS)
            scores.read(output(1f, bad))
            assertFalse(scores.finite)
            scores.read(output(1f, 0f))
            assertTrue(scores.finite)
        }
    }

    @Test
    fun quantisedOutputsAreDequantised() {
        val bytes = ByteBuffer.allocateDirect(3).put(-128).put(0).put(127)
        val int8 = Scores(spec(3, TensorType.INT8, 0.5f, -28), OutputKind.LOGITS)
        int8.read(bytes)
        assertArrayEquals(floatArrayOf(-50f, 14f, 77.5f), int8.values, 0f)
        val uint8 = Scores(spec(3, TensorType.UINT8, 0.5f, 100), OutputKind.LOGITS)
        uint8.read(bytes)
        assertArrayEquals(floatArrayOf(14f, -50f, 13.5f), uint8.values, 0f)
    }

    @Test
    fun theBestAreThoseOfAStableSort() {
        val random = Random(2)
        repeat(500) {
            val values = FloatArray(1 + random.nextInt(40)) { random.nextInt(12).toFloat() }
            val top = TopK(1 + random.nextInt(8), values.size)
            top.update(values)
            assertEquals(values.indices.sortedByDescending { values[it] }.take(top.count), top.indices.toList())
        }
    }

    @Test
    fun whatIsNoNumberIsNeverTheBest() {
        val top = TopK(3, 4)
        top.update(floatArrayOf(Float.NaN, 1f, Float.NaN, 2f))
        assertEquals(listOf(3, 1, 0), top.indices.toList())
    }

    @Test
    fun smoothingFollowsTheFormulaWhateverTheFrameRate() {
        for (frames in intArrayOf(1, 7, 100)) {
            val smoother = ConfidenceSmoother(2, tauMs = 250.0)
            smoother.update(floatArrayOf(1f, 0f), 0.0)
            repeat(frames) { smoother.update(floatArrayOf(0f, 1f), 250.0 / frames) }
            assertEquals(Math.exp(-1.0), smoother.probabilities[0].toDouble(), 1e-4)
            assertEquals(1f, smoother.probabilities.sum(), 1e-5f)
        }
    }

    @Test
    fun noiseDoesNotChangeTheOrder() {
        val random = Random(3)
        val smoother = ConfidenceSmoother(20)
        var changes = 0
        var before = emptyList<Int>()
        var naive = 0
        var naiveBefore = emptyList<Int>()
        val top = TopK(5, 20)
        repeat(600) {
            val frame = FloatArray(20) { (0.05 + 0.01 * random.nextGaussian()).toFloat() }
            smoother.update(frame, 33.0)
            if (before.isNotEmpty() && smoother.order.toList() != before) changes++
            before = smoother.order.toList()
            top.update(frame)
            if (naiveBefore.isNotEmpty() && top.indices.toList() != naiveBefore) naive++
            naiveBefore = top.indices.toList()
        }
        assertTrue(naive > 500, "$naive")
        assertTrue(changes < 60, "$changes changes in 20 seconds of equal classes")
    }

    @Test
    fun aLeadThatLastsIsShown() {
        val smoother = ConfidenceSmoother(8, shown = 3)
        smoother.update(floatArrayOf(0.2f, 0.19f, 0.18f, 0.1f, 0.1f, 0.1f, 0.08f, 0.05f), 0.0)
        assertEquals(listOf(0, 1, 2), smoother.order.toList())
        // Another order, with leads below the margin; one of the three was not shown.
        val other = floatArrayOf(0.18f, 0.19f, 0.10f, 0.20f, 0.1f, 0.1f, 0.08f, 0.05f)
        repeat(5) { smoother.update(other, 33.0) }
        assertEquals(0, smoother.order[0])
        repeat(200) { smoother.update(other, 33.0) }
        assertEquals(listOf(3, 1, 0), smoother.order.toList())
    }

    @Test
    fun aClearChangeIsShownSoon() {
        val smoother = ConfidenceSmoother(1000)
        val frame = FloatArray(1000)
        frame[1] = 1f
        smoother.update(frame, 33.0)
        frame[1] = 0f
        frame[999] = 1f
        var frames = 0
        while (smoother.order[0] != 999) {
            smoother.update(frame, 33.0)
            assertTrue(++frames < 8, "${smoother.probabilities[999]}")
        }
        assertEquals(smoother.count, smoother.order.toSet().size)
    }

    @Test
    fun whatIsNoNumberIsLeftOut() {
        val smoother = ConfidenceSmoother(3)
        assertTrue(smoother.update(floatArrayOf(0.5f, 0.3f, 0.2f), 0.0))
        assertFalse(smoother.update(floatArrayOf(Float.NaN, 0.3f, 0.2f), 33.0))
        assertFalse(smoother.update(floatArrayOf(0.5f, Float.POSITIVE_INFINITY, 0.2f), 33.0))
        assertEquals(0.5f, smoother.probability(0))
        smoother.update(floatArrayOf(0.4f, 0.4f, 0.2f), -5.0)
        smoother.update(floatArrayOf(0.4f, 0.4f, 0.2f), Double.NaN)
        assertTrue(abs(smoother.probabilities.sum() - 1) < 1e-5)
    }

    @Test
    fun timesAreThoseOfTheWindow() {
        val times = PhaseTimes(4)
        assertEquals(0.0, times.framesPerSecond())
        assertEquals(0.0, times.meanMs(Phase.AFTER))
        for (i in 1..10) {
            times.add(Phase.INFERENCE, i * 1_000_000L)
            times.frame(i * 50_000_000L)
        }
        assertEquals(8.5, times.meanMs(Phase.INFERENCE), 1e-9)
        assertEquals(20.0, times.framesPerSecond(), 1e-9)
        times.add(Phase.TO_TENSOR, -5)
        assertEquals(0.0, times.meanMs(Phase.TO_TENSOR))
        times.reset()
        times.frame(9)
        assertEquals(0.0, times.framesPerSecond())
        times.frame(9)
        assertEquals(0.0, times.framesPerSecond())
    }

    @Test
    fun statisticsAreNumpys() {
        // numpy 2: x = [3, 1, 4, 1, 5, 9, 2, 6]; mean, std(ddof=1), percentile 10, 50, 90, 99
        val figures = Statistics(doubleArrayOf(3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0))
        assertEquals(3.875, figures.mean, 1e-12)
        assertEquals(2.748376143938713, figures.standardDeviation, 1e-12)
        assertEquals(1.0, figures.quantile(0.1), 1e-12)
        assertEquals(3.5, figures.quantile(0.5), 1e-12)
        assertEquals(6.9, figures.quantile(0.9), 1e-12)
        assertEquals(8.79, figures.quantile(0.99), 1e-12)
        assertEquals(0.0, Statistics(doubleArrayOf(2.0)).standardDeviation)
    }
}
