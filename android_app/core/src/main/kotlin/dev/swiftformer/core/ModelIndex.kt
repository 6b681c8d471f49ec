package dev.swiftformer.core

/** The index of the bundled models is not one; [message] is one line. */
class ModelIndexException(message: String) : Exception(message)

/**
 * The models in the app: the file `assets/models/index.json`, which the builder writes.
 *
 *     {"format": "swiftformer-bundle", "version": 1, "models": [{"file": "m.tflite", "sha256": "…", "size_bytes": 1,
 *      "golden": {"picture": "golden.png", "logits": [0.1, …], "largest_difference": 0.05}}]}
 */
class ModelIndex(val models: List<Entry>) {

    /**
     * One bundled model.
     *
     * @property file its name beside the index; a plain file name.
     * @property golden what it must answer to a picture, or null where nothing was recorded.
     */
    class Entry(val file: String, val sha256: String, val sizeBytes: Long, val golden: Golden?)

    /**
     * A picture and the logits that LiteRT gave for it where the app was built.
     *
     * @property picture its name beside the index.
     * @property logits one for each class.
     * @property largestDifference that a device may be away from any of them.
     */
    class Golden(val picture: String, val logits: FloatArray, val largestDifference: Float)

    companion object {
        const val FORMAT = "swiftformer-bundle"
        const val VERSION = 1L
        const val MAX_MODELS = 64
        private const val MAX_LOGITS = 1_000_000
        private val NAME = Regex("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
        private val SHA256 = Regex("[0-9a-f]{64}")

        /** @throws ModelIndexException the text is no such index. */
        fun parse(text: String): ModelIndex {
            val json = try {
                Json.parse(text)
            } catch (error: JsonException) {
                wrong("is not valid JSON (${error.message})")
            }
            if (json !is Map<*, *> || json["format"] != FORMAT) wrong("does not have the format $FORMAT")
            if (json["version"] != VERSION) wrong("has version ${shown(json["version"].toString(), 20)}, and $VERSION is read")
            val models = json["models"] as? List<*> ?: wrong("has no list of models")
            if (models.size > MAX_MODELS) wrong("lists ${models.size} models, and $MAX_MODELS are the most")
            val entries = models.map { entry(it) }
            if (entries.map { it.file }.toSet().size != entries.size) wrong("names a file twice")
            return ModelIndex(entries)
        }

        private fun entry(json: Any?): Entry {
            if (json !is Map<*, *>) wrong("lists a model that is no object")
            val file = name(json["file"])
            val sha256 = json["sha256"] as? String
            if (sha256 == null || !SHA256.matches(sha256)) wrong("has no SHA-256 for $file")
            val size = json["size_bytes"] as? Long
            if (size == null || size < 1 || size > ModelFile.MAX_BYTES) wrong("has no size for $file")
            return Entry(file, sha256, size, if (json["golden"] == null) null else golden(json["golden"], file))
        }

        private fun golden(json: Any?, file: String): Golden {
            if (json !is Map<*, *>) wrong("has a golden picture of $file that is no object")
            val logits = json["logits"] as? List<*>
            if (logits == null || logits.isEmpty() || logits.size > MAX_LOGITS) wrong("has no logits for $file")
            val values = FloatArray(logits.size) { number(logits[it], file) }
            val difference = number(json["largest_difference"], file)
            if (!(difference > 0f)) wrong("has no largest difference for $file")
            return Golden(name(json["picture"]), values, difference)
        }

        private fun number(json: Any?, file: String): Float {
            val value = (json as? Number)?.toFloat()
            if (value == null || value.isNaN() || value.isInfinite()) wrong("has a logit of $file that is no number")
            return value
        }

        /** A file's name, never a way out of the folder. */
        private fun name(json: Any?): String {
            if (json !is String || !NAME.matches(json)) wrong("names a file '${shown(json.toString(), 60)}'")
            return json
        }

        private fun wrong(what: String): Nothing = throw ModelIndexException("the index of models $what; build the app again")
    }
}
