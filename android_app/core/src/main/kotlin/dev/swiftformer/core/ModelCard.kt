package dev.swiftformer.core

/** What a model gives: scores of any size, or probabilities that sum to 1. */
enum class OutputKind { LOGITS, PROBABILITIES }

/**
 * Where a model's weights come from; empty or "unknown" where the source does not say (`swiftformer_keras/origin.py`).
 *
 * @property sha256 of the checkpoint.
 */
data class ModelSource(
    val name: String,
    val description: String,
    val author: String,
    val licence: String,
    val version: String,
    val url: String,
    val fileName: String,
    val sha256: String,
    val revision: String,
    val container: String,
    val layout: String,
    val weights: String,
)

/**
 * What this project writes into a .tflite file about it (`converters/tflite/card.py`, the file swiftformer.json in it).
 *
 * @property labelsFile name of the associated file that has the labels, or null where there are none.
 * @property precision "float32", "float16", "dynamic" or "int8".
 * @property needsLitert runtimes before LiteRT run the file with wrong results or not at all.
 */
data class ModelCard(
    val name: String,
    val description: String,
    val version: String,
    val author: String,
    val licence: String,
    val labelsFile: String?,
    val preprocessing: Preprocessing,
    val inputKind: InputKind,
    val outputKind: OutputKind,
    val precision: String,
    val gelu: String,
    val tokenWeights: String,
    val source: ModelSource,
    val needsLitert: Boolean,
) {
    internal companion object {
        const val FILE = "swiftformer.json"
        const val FORMAT = 1L
        const val MAX_BYTES = 1 shl 20
        private val TEXTS = listOf("name", "description", "version", "author", "licence", "precision", "gelu", "token_weights")
        private val FIELDS = TEXTS + listOf("labels", "preprocessing", "input_kind", "output_kind", "source", "needs_litert", "format")
        private val SOURCE_FIELDS = listOf(
            "name", "description", "author", "licence", "version", "url", "file_name", "sha256", "revision", "container",
            "layout", "weights",
        )

        /** @throws ModelProblemException the text is no card of this format. */
        fun parse(text: String, where: String): ModelCard {
            fun bad(what: String): Nothing =
                throw ModelProblemException(ModelProblem(ModelProblem.Kind.BAD_CARD, where, listOf(what)))
            val json = try {
                Json.parse(text)
            } catch (error: JsonException) {
                bad(error.message ?: "not JSON")
            }
            if (json !is Map<*, *>) bad("no JSON object")
            val format = json["format"]
            if (format != FORMAT) {
                throw ModelProblemException(
                    ModelProblem(
                        ModelProblem.Kind.OTHER_CARD_FORMAT, where, listOf(shown(format.toString(), 40), FORMAT.toString()),
                    )
                )
            }
            json.keys.firstOrNull { it !in FIELDS }?.let { bad("unknown field '${shown(it.toString(), 60)}'") }
            FIELDS.firstOrNull { it !in json }?.let { bad("$it is missing") }
            for (field in TEXTS) if (json[field] !is String) bad("$field is no text")
            if (json["name"] == "") bad("the name is empty")
            val labels = json["labels"]
            if (labels != null && labels !is String) bad("labels is no file's name")
            val needsLitert = json["needs_litert"] as? Boolean ?: bad("needs_litert is neither true nor false")
            val source = json["source"] as? Map<*, *> ?: bad("source is no object")
            source.keys.firstOrNull { it !in SOURCE_FIELDS }?.let { bad("unknown field '${shown(it.toString(), 60)}' of source") }
            source.values.firstOrNull { it !is String }?.let { bad("a field of source is no text") }
            if (source["name"] !is String) bad("source has no name")
            val preprocessing = try {
                Preprocessing.fromJson(json["preprocessing"])
            } catch (error: PreprocessingException) {
                throw ModelProblemException(
                    ModelProblem(ModelProblem.Kind.BAD_PREPROCESSING, where, listOf(error.message ?: "not valid"))
                )
            }
            fun text(field: String): String = json[field] as String
            fun origin(field: String, default: String = ""): String = source[field] as? String ?: default
            return ModelCard(
                text("name"), text("description"), text("version"), text("author"), text("licence"), labels as String?,
                preprocessing,
                InputKind.values().firstOrNull { it.name.lowercase() == json["input_kind"] } ?: bad("input_kind is neither pixels nor normalized"),
                OutputKind.values().firstOrNull { it.name.lowercase() == json["output_kind"] } ?: bad("output_kind is neither logits nor probabilities"),
                text("precision"), text("gelu"), text("token_weights"),
                ModelSource(
                    origin("name"), origin("description"), origin("author", "unknown"), origin("licence", "unknown"),
                    origin("version", "unknown"), origin("url"), origin("file_name"), origin("sha256"), origin("revision"),
                    origin("container"), origin("layout"), origin("weights"),
                ),
                needsLitert,
            )
        }
    }
}
