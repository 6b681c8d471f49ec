package dev.swiftformer.core

import dev.swiftformer.core.WarmUp.Next
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** When warm-up ends, and when what was asked for is measured; Python's tests hold the rule against theirs. */
class WarmUpTest {
    private fun judge(vararg parts: Pair<Int, Double>): Next =
        WarmUp.judge(parts.flatMap { (count, ms) -> List(count) { ms } }.toDoubleArray())

    @Test
    fun itEndsAsBenchmarkFormatSays() {
        assertEquals(Next.MORE, judge())
        assertEquals(Next.MORE, judge(16 to 100.0))
        assertEquals(Next.STABLE, judge(24 to 25.0))
        assertEquals(Next.MORE, judge(24 to 20.0))  // 480 ms
        assertEquals(Next.MORE, judge(25 to 25.0))  // in the midst of a window
        assertEquals(Next.STABLE, judge(16 to 100.0, 8 to 103.0))
        assertEquals(Next.MORE, judge(16 to 100.0, 8 to 103.1))
        assertEquals(Next.STABLE, judge(16 to 100.0, 4 to 100.0, 4 to 106.0))  // between its two middle runs
        assertEquals(Next.MORE, judge(16 to 100.0, 3 to 100.0, 5 to 106.2))
        assertEquals(Next.LIMIT, judge(8 to 1250.0))
        assertEquals(Next.MORE, judge(8 to 1249.0))
        assertEquals(Next.STABLE, judge(400 to 0.1))  // too fast for half a second
        assertEquals(Next.LIMIT, judge(384 to 0.1, 8 to 0.1, 8 to 0.2))
    }

    @Test
    fun timesAreKeptAsTheyCame() {
        for (count in listOf(0, 1, 15, 16, 17, 5000)) {
            val times = Times(1)
            val expected = DoubleArray(count) { 0.5 * it }
            expected.forEach { times.add(it) }
            assertArrayEquals(expected, times.toArray())
            assertEquals(expected.sum(), times.totalMs, 1e-6)
        }
    }

    @Test
    fun bothRunsAndSecondsMustBeReached() {
        val plan = BenchmarkPlan.parse(mapOf("model" to "m.tflite", "runs" to "10", "seconds" to "0.5"))
        assertFalse(plan.isEnough(10, 499.0))
        assertFalse(plan.isEnough(9, 501.0))
        assertTrue(plan.isEnough(10, 500.0))
        assertTrue(plan.isEnough(100_000, 1.0))
        assertTrue(BenchmarkPlan.parse(mapOf("model" to "m.tflite", "runs" to "10")).isEnough(10, 0.0))
    }
}
