package dev.swiftformer.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.exp

/**
 * A model's output as numbers: read, dequantised, and as probabilities.
 *
 * Holds its arrays; reading allocates nothing. Not for several threads at once.
 */
class Scores(private val output: TensorSpec, private val kind: OutputKind) {
    /** The output as it is, one value a class; dequantised `(stored - zero point) * scale`. */
    val values = FloatArray(output.elements)

    /** Softmax of logits, or the values themselves; of values that are not finite, all NaN. */
    val probabilities = FloatArray(output.elements)

    /** Whether every value of the last output was finite. */
    var finite = true
        private set

    /** @throws IllegalArgumentException the buffer is smaller than the output. */
    fun read(from: ByteBuffer) {
        require(from.capacity() >= output.sizeBytes) { "${from.capacity()} bytes where the output has ${output.sizeBytes}" }
        when (output.type) {
            TensorType.FLOAT32 -> {
                from.order(ByteOrder.nativeOrder())
                for (i in values.indices) values[i] = from.getFloat(4 * i)
            }
            TensorType.INT8 -> for (i in values.indices) values[i] = (from.get(i) - output.zeroPoint) * output.scale
            TensorType.UINT8 ->
                for (i in values.indices) values[i] = ((from.get(i).toInt() and 255) - output.zeroPoint) * output.scale
        }
        finite = true
        for (value in values) if (value.isNaN() || value.isInfinite()) finite = false
        if (kind == OutputKind.LOGITS || !finite) softmax(values, probabilities) else values.copyInto(probabilities)
    }

    companion object {
        /** `exp(x - max) / sum`, in double precision; all NaN where a logit is not finite. */
        fun softmax(logits: FloatArray, into: FloatArray) {
            var largest = Float.NEGATIVE_INFINITY
            for (logit in logits) largest = Math.max(largest, logit)
            var sum = 0.0
            for (logit in logits) sum += exp((logit - largest).toDouble())
            for (i in logits.indices) into[i] = (exp((logits[i] - largest).toDouble()) / sum).toFloat()
        }
    }
}
