package dev.swiftformer.core

/** Arguments of a benchmark are not valid; [message] is one line that names the argument. */
class BenchmarkArgumentException(message: String) : Exception(message)

/**
 * What one benchmark run does, from the arguments of `am instrument -e NAME VALUE` or of an intent.
 *
 * @property model a bundled file's name, or the path of a .tflite file in [TEMPORARY_FOLDER].
 * @property choice delegate and threads.
 * @property runs least number of timed runs.
 * @property seconds least time that they take together; both are reached unless [MOST_RUNS] is.
 * @property warmUp runs before them; null for as many as [WarmUp] wants.
 * @property golden whether the golden picture is checked (a bundled model has one).
 * @property evaluate a folder of pictures in [TEMPORARY_FOLDER] whose scores are wanted, or null.
 * @property precisionLoss whether a GPU may compute in float16.
 * @property result file name of the result in the app's external files.
 */
data class BenchmarkPlan(
    val model: String,
    val choice: DelegateChoice,
    val runs: Int,
    val seconds: Double,
    val warmUp: Int?,
    val golden: Boolean,
    val evaluate: String?,
    val precisionLoss: Boolean,
    val result: String,
) {
    /** Whether [model] is a path on the device and not a bundled file. */
    val isPath: Boolean get() = model.startsWith("/")

    /** Whether [count] timed runs, which took [totalMs] together, are what was asked for. */
    fun isEnough(count: Int, totalMs: Double): Boolean =
        count >= MOST_RUNS || (count >= runs && totalMs >= seconds * 1000)

    /** As the result file states it. */
    fun toJson(): Map<String, Any?> = linkedMapOf(
        "model" to model, "delegate" to DELEGATES.first { it.second == choice.copy(threads = 1) }.first,
        "threads" to choice.threads, "runs" to runs, "seconds" to seconds, "warm_up" to (warmUp ?: AUTO),
        "golden" to golden, "evaluate" to evaluate, "precision_loss" to precisionLoss, "result" to result,
    )

    companion object {
        /** Where the shell may write and the app may read: models and pictures are pushed there. */
        const val TEMPORARY_FOLDER = "/data/local/tmp/"

        /** More timed runs than this are never made. */
        const val MOST_RUNS = 100_000

        /** As a value of `warm_up`: until the latency is stable. */
        const val AUTO = "auto"

        val NAMES = listOf(
            "model", "delegate", "threads", "runs", "seconds", "warm_up", "golden", "evaluate", "precision_loss", "result",
        )

        private val DELEGATES = listOf(
            "cpu" to DelegateChoice(DelegateKind.CPU, 1),
            "cpu_plain" to DelegateChoice(DelegateKind.CPU, 1, xnnpack = false),
            "gpu" to DelegateChoice(DelegateKind.GPU, 1),
            "nnapi" to DelegateChoice(DelegateKind.NNAPI, 1),
        )
        private val FILE = Regex("[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
        private val PATH = Regex("[A-Za-z0-9_./+=@,-]{1,512}")
        private val SECONDS = Regex("[0-9]{1,4}([.][0-9]{1,6})?")

        /**
         * Read arguments strictly: an unknown name, a number out of range or a path elsewhere is an error, never a default.
         *
         * @param arguments as given; what the instrumentation adds itself must be left out by the caller.
         * @throws BenchmarkArgumentException one is not valid.
         */
        fun parse(arguments: Map<String, String?>): BenchmarkPlan {
            arguments.keys.firstOrNull { it !in NAMES }?.let {
                throw BenchmarkArgumentException("${shown(it, 40)}: no such argument; known are ${NAMES.joinToString()}")
            }
            fun text(name: String): String? =
                if (name !in arguments) null else arguments[name] ?: wrong(name, "text", "nothing")
            fun number(name: String, range: IntRange, default: Int): Int {
                val text = text(name) ?: return default
                val value = if (text.length in 1..9 && text.all { it in '0'..'9' }) text.toInt() else null
                if (value == null || value !in range) wrong(name, "a whole number from ${range.first} to ${range.last}", text)
                return value
            }
            fun flag(name: String, default: Boolean): Boolean = when (val text = text(name)) {
                null -> default
                "true" -> true
                "false" -> false
                else -> wrong(name, "true or false", text)
            }
            fun seconds(): Double {
                val text = text("seconds") ?: return 0.0
                val value = if (SECONDS.matches(text)) text.toDouble() else null
                if (value == null || value > 3600) wrong("seconds", "a number from 0 to 3600", text)
                return value
            }
            val model = text("model") ?: throw BenchmarkArgumentException("model: is missing; name a bundled file or a path")
            if (model.startsWith("/")) path("model", model) else if (!FILE.matches(model)) {
                wrong("model", "a bundled file's name or a path in $TEMPORARY_FOLDER", model)
            }
            if (!model.endsWith(".tflite")) wrong("model", "a .tflite file", model)
            val delegate = text("delegate") ?: "cpu"
            val choice = DELEGATES.firstOrNull { it.first == delegate }?.second
                ?: wrong("delegate", "one of ${DELEGATES.joinToString { it.first }}", delegate)
            val result = text("result") ?: "benchmark.json"
            if (!FILE.matches(result) || !result.endsWith(".json")) wrong("result", "a plain file name that ends in .json", result)
            return BenchmarkPlan(
                model = model,
                choice = choice.copy(threads = number("threads", 1..DelegateChoice.MAX_THREADS, 4)),
                runs = number("runs", 1..MOST_RUNS, 50),
                seconds = seconds(),
                warmUp = if (arguments["warm_up"] == AUTO) null else number("warm_up", 0..10_000, 10),
                golden = flag("golden", true),
                evaluate = text("evaluate")?.also { path("evaluate", it) },
                precisionLoss = flag("precision_loss", true),
                result = result,
            )
        }

        /** Inside the temporary folder, by its letters: no step upwards, nothing that a shell or a log could trip over. */
        private fun path(name: String, path: String) {
            val steps = path.removePrefix(TEMPORARY_FOLDER).split('/')
            val inside = path.startsWith(TEMPORARY_FOLDER) && PATH.matches(path)
            if (!inside || steps.any { it == ".." || it == "." || it.isEmpty() }) {
                wrong(name, "a path in $TEMPORARY_FOLDER", path)
            }
        }

        private fun wrong(name: String, wanted: String, given: String): Nothing =
            throw BenchmarkArgumentException("$name: must be $wanted, not '${shown(given, 80)}'")
    }
}
