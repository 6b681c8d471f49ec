package dev.swiftformer.core

import kotlin.math.abs

/** What the check of a golden picture found. */
sealed class GoldenResult {
    /** All logits are within the bound. */
    class Passed(val difference: Float) : GoldenResult()

    /** A logit is further away than [bound]: the delegate computes something else. */
    class WrongAnswer(val difference: Float, val bound: Float, val index: Int) : GoldenResult()

    /** Logit [index] is NaN or infinite. */
    class NotFinite(val index: Int) : GoldenResult()

    /** The model gives [actual] logits where [expected] were recorded: another model's golden picture. */
    class WrongCount(val actual: Int, val expected: Int) : GoldenResult()

    val passed: Boolean get() = this is Passed

    fun toJson(): Map<String, Any?> = when (this) {
        is Passed -> linkedMapOf("result" to "passed", "difference" to difference)
        is WrongAnswer -> linkedMapOf("result" to "wrong_answer", "difference" to difference, "bound" to bound, "class" to index)
        is NotFinite -> linkedMapOf("result" to "not_finite", "class" to index)
        is WrongCount -> linkedMapOf("result" to "wrong_count", "classes" to actual, "expected" to expected)
    }
}

/** A device's logits for the golden picture against those that LiteRT gave where the app was built. */
class GoldenCheck(private val golden: ModelIndex.Golden) {

    /** Compare logits of one run, dequantised. */
    fun compare(logits: FloatArray): GoldenResult {
        if (logits.size != golden.logits.size) return GoldenResult.WrongCount(logits.size, golden.logits.size)
        var worst = 0
        var difference = 0f
        for (i in logits.indices) {
            if (logits[i].isNaN() || logits[i].isInfinite()) return GoldenResult.NotFinite(i)
            val apart = abs(logits[i] - golden.logits[i])
            if (apart > difference) {
                difference = apart
                worst = i
            }
        }
        return if (difference <= golden.largestDifference) GoldenResult.Passed(difference)
        else GoldenResult.WrongAnswer(difference, golden.largestDifference, worst)
    }

    /**
     * Run the golden picture through [engine].
     *
     * @param picture the golden picture, decoded.
     * @throws EngineException the runtime gave up.
     */
    fun run(engine: InferenceEngine, model: ModelDescription, picture: RgbSource): GoldenResult {
        model.inputWriter().write(picture, engine.input)
        engine.run()
        val scores = Scores(model.output, model.card.outputKind)
        scores.read(engine.output)
        return compare(scores.values)
    }
}
