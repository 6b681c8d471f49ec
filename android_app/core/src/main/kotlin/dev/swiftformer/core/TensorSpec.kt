package dev.swiftformer.core

/** Element types of inputs and outputs that the app reads and writes. */
enum class TensorType(val bytes: Int) {
    FLOAT32(4),
    UINT8(1),
    INT8(1),
}

/**
 * An input or output of a model.
 *
 * @property name in the file; may be empty.
 * @property shape all sizes positive.
 * @property scale of quantised types: value = (stored - [zeroPoint]) * scale; 0 for float32.
 */
data class TensorSpec(
    val name: String,
    val shape: List<Int>,
    val type: TensorType,
    val scale: Float = 0f,
    val zeroPoint: Int = 0,
) {
    val elements: Int get() = shape.fold(1) { product, size -> Math.multiplyExact(product, size) }
    val sizeBytes: Int get() = Math.multiplyExact(elements, type.bytes)

    override fun toString(): String = "${type.name.lowercase()} ${shape.joinToString(" x ")}"
}
