package dev.swiftformer.core

/**
 * Why a file cannot be used, as a kind and its arguments, so that the app can say it in the user's language.
 *
 * [message] is the same in one English line, for logs, benchmark results and tests.
 *
 * @property kind what is wrong; the app has one sentence for each.
 * @property where the file's name, as the user knows it.
 * @property arguments what the sentence needs, in the order that [Kind] documents.
 */
class ModelProblem(val kind: Kind, val where: String, val arguments: List<String> = emptyList()) {

    /** The kinds; "arguments" are those of [ModelProblem.arguments], in their order. */
    enum class Kind(internal val words: String) {
        /** Arguments: the reason in the system's words. */
        CANNOT_READ("cannot be read (%s)"),

        /** No arguments. */
        NO_MEMORY("cannot be read: the device has not enough memory"),

        /** No arguments. */
        EMPTY("is empty; copy it again"),

        /** Arguments: its bytes, the most that are read. */
        TOO_LARGE("has %s bytes, and %s are the most"),

        /** No arguments. */
        NOT_TFLITE("is no .tflite file"),

        /** Arguments: what is wrong, in English, for those who made the file. */
        DAMAGED("is damaged (%s); get it again"),

        /** Arguments: the SHA-256 that was expected, the SHA-256 it has. */
        WRONG_SHA256("is not the file it should be: its SHA-256 is not %s but %s"),

        /** No arguments. */
        NO_METADATA("has no metadata, so how it wants its pictures is not known; export it with swiftformer export"),

        /** No arguments. */
        NO_CARD("has metadata, but no model card of this project; export it with swiftformer export"),

        /** Arguments: what is wrong. */
        BAD_METADATA("has damaged metadata (%s); export it again"),

        /** Arguments: what is wrong. */
        BAD_CARD("has a model card that is not valid (%s); export it again"),

        /** Arguments: the card's format, the format that is read. */
        OTHER_CARD_FORMAT("has a model card of format %s, and this app reads %s; update the app"),

        /** Arguments: what is wrong. */
        BAD_PREPROCESSING("asks for a preprocessing that is not valid (%s); export it again"),

        /** Arguments: the labels file's name. */
        LABELS_MISSING("names a labels file %s that is not in it; export it again"),

        /** Arguments: what is wrong. */
        BAD_LABELS("has labels that are not valid (%s); export it again"),

        /** Arguments: labels, classes. */
        WRONG_LABEL_COUNT("has %s labels for %s classes; export it again"),

        /** Arguments: the input as text. */
        NOT_A_PICTURE_INPUT("takes %s, and the app gives one colour picture; choose an image classifier"),

        /** Arguments: the output as text. */
        NOT_SCORES("gives %s, and the app reads one row of scores; choose an image classifier"),

        /** Arguments: the input's size, the card's size. */
        WRONG_INPUT_SIZE("takes %s, but its model card says %s; export it again"),

        /** Arguments: the tensor's type. */
        WRONG_TYPE("has an input or output of type %s; float32, int8 and uint8 are read"),

        /** No arguments. */
        NO_SCALE("has a quantised input or output without a scale; quantise it again"),

        /** Arguments: the picture's width, height. */
        PICTURE_TOO_LONG("cannot take a picture of %s x %s pixels, which is too long and thin; cut it first"),
    }

    /** One English line: what, where, and what to do. */
    val message: String = shown(where, 120) + ": " + kind.words.format(*Array(placeholders(kind)) { shownArgument(it) })

    private fun shownArgument(index: Int): String = shown(arguments.getOrElse(index) { "?" }, 200)

    override fun toString(): String = message

    override fun equals(other: Any?): Boolean =
        other is ModelProblem && kind == other.kind && where == other.where && arguments == other.arguments

    override fun hashCode(): Int = (kind.hashCode() * 31 + where.hashCode()) * 31 + arguments.hashCode()

    private companion object {
        fun placeholders(kind: Kind): Int = kind.words.split("%s").size - 1
    }
}

/** Thrown wherever a model file, its metadata or an index of models turns out to be unusable. */
class ModelProblemException(val problem: ModelProblem) : Exception(problem.message)

/**
 * Text of a stranger, fit for one line: controls, line separators and bidirectional overrides become "?", and what is
 * longer than [limit] characters ends in an ellipsis.
 */
fun shown(text: String, limit: Int): String {
    val kept = StringBuilder(minOf(text.length, limit))
    for (character in text) {
        if (kept.length >= limit) return kept.append('\u2026').toString()
        kept.append(if (isPrintable(character)) character else '?')
    }
    return kept.toString()
}

/** Whether a character stands on its line and steers nothing (halves of surrogate pairs pass). */
internal fun isPrintable(character: Char): Boolean = when (Character.getType(character).toByte()) {
    Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false
    else -> character !in '\u202a'..'\u202e' && character !in '\u2066'..'\u2069'
}
