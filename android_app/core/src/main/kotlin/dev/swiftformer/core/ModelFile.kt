package dev.swiftformer.core

import java.nio.ByteBuffer
import java.security.MessageDigest

/**
 * A model that the app can run, and everything that is known of it before it runs.
 *
 * @property where the file's name, as the user knows it.
 * @property sizeBytes of the file.
 * @property sha256 of the file, 64 lower case hexadecimal digits.
 * @property input one picture, `(1, height, width, 3)`.
 * @property output one row of scores, `(1, classes)`.
 * @property labels of the classes in the order of the output, or null where the file has none.
 * @property operators in the graph.
 * @property signatures keys of the file's signatures; may be empty.
 */
class ModelDescription(
    val where: String,
    val sizeBytes: Long,
    val sha256: String,
    val input: TensorSpec,
    val output: TensorSpec,
    val labels: List<String>?,
    val card: ModelCard,
    val operators: Int,
    val signatures: List<String>,
) {
    val classes: Int get() = output.shape[1]
    val preprocessing: Preprocessing get() = card.preprocessing

    /** A class's name, its number where there are no labels. */
    fun label(index: Int): String = labels?.get(index) ?: index.toString()

    /** What turns pictures into this model's input. */
    fun inputWriter(): InputWriter = InputWriter(preprocessing, card.inputKind, input)
}

/** Reads model files: bytes in, a [ModelDescription] or a [ModelProblem] out, whatever the bytes are. */
object ModelFile {
    const val MAX_BYTES = 1L shl 30
    private const val MAX_LABEL_BYTES = 4 shl 20
    private const val MAX_LABEL_LENGTH = 200

    /**
     * Check a whole .tflite file and read what it says of itself.
     *
     * @param file all its bytes; position and limit are neither used nor moved.
     * @param where what the user calls it.
     * @param sha256 what its SHA-256 must be, where that is known.
     * @throws ModelProblemException the file cannot be used, and why; nothing else is thrown.
     */
    fun read(file: ByteBuffer, where: String, sha256: String? = null): ModelDescription {
        if (file.capacity() == 0) refuse(ModelProblem.Kind.EMPTY, where)
        if (file.capacity() > MAX_BYTES) {
            refuse(ModelProblem.Kind.TOO_LARGE, where, file.capacity().toString(), MAX_BYTES.toString())
        }
        val actual = sha256(file)
        if (sha256 != null && !actual.equals(sha256, ignoreCase = true)) {
            refuse(ModelProblem.Kind.WRONG_SHA256, where, sha256, actual)
        }
        val structure = structure(file, where)
        if (structure.metadata == null) refuse(ModelProblem.Kind.NO_METADATA, where)
        try {
            FlatBytes(structure.metadata).root("M001")
        } catch (error: FlatException) {
            refuse(ModelProblem.Kind.BAD_METADATA, where, error.message ?: "damaged")
        }
        val picture = picture(structure, where)
        val output = output(structure, where)
        val files = AssociatedFiles.open(file, where)
        val text = files.text(ModelCard.FILE, ModelCard.MAX_BYTES, ModelProblem.Kind.BAD_CARD)
            ?: refuse(ModelProblem.Kind.NO_CARD, where)
        val card = ModelCard.parse(text, where)
        val input = input(picture, card, where)
        return ModelDescription(
            where, file.capacity().toLong(), actual, input, output, labels(files, card, output.shape[1], where), card,
            structure.operators, structure.signatures,
        )
    }

    /** Lower case hexadecimal SHA-256 of all bytes of a buffer, whose position is not moved. */
    fun sha256(file: ByteBuffer): String {
        val whole = file.duplicate()
        whole.clear()
        val digest = MessageDigest.getInstance("SHA-256")
        digest.update(whole)
        val digits = "0123456789abcdef"
        return digest.digest().joinToString("") { "${digits[it.toInt() shr 4 and 15]}${digits[it.toInt() and 15]}" }
    }

    private fun structure(file: ByteBuffer, where: String): TfliteStructure = try {
        TfliteStructure.read(file)
    } catch (error: FlatException) {
        val message = error.message ?: "damaged"
        val notOne = "identifier" in message || "too few" in message
        if (notOne) refuse(ModelProblem.Kind.NOT_TFLITE, where) else refuse(ModelProblem.Kind.DAMAGED, where, message)
    } catch (error: ArithmeticException) {
        refuse(ModelProblem.Kind.DAMAGED, where, "a size overflows")
    }

    private fun picture(structure: TfliteStructure, where: String): TfliteStructure.RawTensor {
        val raw = structure.inputs.singleOrNull()
        val words = structure.inputs.joinToString(" and ") { it.words() }.ifEmpty { "nothing" }
        if (raw == null || raw.shape.size != 4 || raw.shape[0] != 1 || raw.shape[3] != 3 || raw.shape.any { it < 1 }) {
            refuse(ModelProblem.Kind.NOT_A_PICTURE_INPUT, where, words)
        }
        return raw
    }

    private fun input(raw: TfliteStructure.RawTensor, card: ModelCard, where: String): TensorSpec {
        val wanted = card.preprocessing
        if (raw.shape[1] != wanted.height || raw.shape[2] != wanted.width) {
            refuse(
                ModelProblem.Kind.WRONG_INPUT_SIZE, where, "${raw.shape[1]} x ${raw.shape[2]}",
                "${wanted.height} x ${wanted.width}",
            )
        }
        return spec(raw, where)
    }

    private fun output(structure: TfliteStructure, where: String): TensorSpec {
        val raw = structure.outputs.singleOrNull()
        val words = structure.outputs.joinToString(" and ") { it.words() }.ifEmpty { "nothing" }
        if (raw == null || raw.shape.size != 2 || raw.shape[0] != 1 || raw.shape[1] < 1) {
            refuse(ModelProblem.Kind.NOT_SCORES, where, words)
        }
        return spec(raw, where)
    }

    private fun spec(raw: TfliteStructure.RawTensor, where: String): TensorSpec {
        val type = when (raw.type) {
            TfliteStructure.FLOAT32 -> TensorType.FLOAT32
            TfliteStructure.UINT8 -> TensorType.UINT8
            TfliteStructure.INT8 -> TensorType.INT8
            else -> refuse(ModelProblem.Kind.WRONG_TYPE, where, TfliteStructure.typeName(raw.type))
        }
        if (type == TensorType.FLOAT32) return TensorSpec(raw.name, raw.shape.toList(), type)
        val scale = raw.scales.singleOrNull() ?: 0f
        val zeroPoint = if (raw.zeroPoints.isEmpty()) 0L else raw.zeroPoints[0]
        val range = if (type == TensorType.INT8) -128L..127L else 0L..255L
        if (!(scale > 0f) || scale.isInfinite() || zeroPoint !in range) refuse(ModelProblem.Kind.NO_SCALE, where)
        return TensorSpec(raw.name, raw.shape.toList(), type, scale, zeroPoint.toInt())
    }

    private fun labels(files: AssociatedFiles, card: ModelCard, classes: Int, where: String): List<String>? {
        val name = card.labelsFile ?: return null
        val text = files.text(name, MAX_LABEL_BYTES, ModelProblem.Kind.BAD_LABELS)
            ?: refuse(ModelProblem.Kind.LABELS_MISSING, where, shown(name, 60))
        val labels = text.removeSuffix("\n").split('\n').map { it.removeSuffix("\r") }
        if (labels.size != classes) {
            refuse(ModelProblem.Kind.WRONG_LABEL_COUNT, where, labels.size.toString(), classes.toString())
        }
        labels.forEachIndexed { index, label ->
            if (label.isBlank() || label.length > MAX_LABEL_LENGTH || !label.all { isPrintable(it) }) {
                refuse(ModelProblem.Kind.BAD_LABELS, where, "label $index is '${shown(label, 40)}'")
            }
        }
        return labels
    }

    private fun refuse(kind: ModelProblem.Kind, where: String, vararg arguments: String): Nothing =
        throw ModelProblemException(ModelProblem(kind, where, arguments.toList()))
}
