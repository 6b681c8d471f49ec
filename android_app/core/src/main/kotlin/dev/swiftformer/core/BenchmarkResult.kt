package dev.swiftformer.core

/**
 * Everything that a benchmark run found, as one JSON file: BENCHMARK_FORMAT.md has the fields.
 *
 * Times are in milliseconds, memory in KiB. Fields that were not reached are null or empty, and [error] says why.
 */
class BenchmarkResult(val plan: BenchmarkPlan) {
    /** When it began, ISO 8601 with zone. */
    var startedAt: String = ""
    var app: App? = null
    var device: Device? = null
    var model: ModelDescription? = null
    var engine: EngineDescription? = null

    /** The set of cores that the process ran on; null where the system does not say. */
    var cpuset: String? = null
    var golden: GoldenResult? = null
    val fallbacks = ArrayList<FallbackReason>()

    /** From the file's bytes to an engine that is ready. */
    var initializationMs: Double? = null

    /** The first run after it, which may compile or allocate. */
    var firstInferenceMs: Double? = null
    var warmUpMs = DoubleArray(0)

    /** Why the warm-up ended; null where it was not reached. */
    var warmUpEnded: WarmUpEnded? = null

    /** Every timed run around the engine's call, in order. */
    var samplesMs = DoubleArray(0)

    /** The same as the runtime itself timed them; empty where it does not. */
    var nativeMs = DoubleArray(0)
    var memory: Memory? = null
    var thermal: Thermal? = null

    /** Scores of the pictures of the plan's folder; null where none was asked for. */
    var evaluation: List<Evaluated>? = null

    /** Why it ended early, in one line; null where it did not. */
    var error: String? = null

    class App(val id: String, val version: String, val debuggable: Boolean)

    class Device(
        val manufacturer: String, val model: String, val sdk: Int, val abi: String, val soc: String, val cores: Int,
    )

    /** [COUNT]: as many runs as were asked for. The others are what [WarmUp] says. */
    enum class WarmUpEnded { COUNT, STABLE, LIMIT }

    /**
     * Proportional set size before the model, with it, and after the last run; and the largest resident set of the
     * process's whole life. Null where the system does not say.
     */
    class Memory(val beforeKib: Long?, val loadedKib: Long?, val afterKib: Long?, val residentPeakKib: Long?)

    /** Android's thermal status (0 to 6) and headroom (1 is the limit); null where the system does not say. */
    class Thermal(val statusBefore: Int?, val statusAfter: Int?, val headroomBefore: Double?, val headroomAfter: Double?)

    /** One picture: its dequantised scores, or why there are none; [inputSha256] is of the input tensor's bytes. */
    class Evaluated(val file: String, val scores: FloatArray?, val inputSha256: String?, val error: String?)

    fun toJson(): String = Json.write(
        linkedMapOf(
            "format" to FORMAT,
            "version" to VERSION,
            "started_at" to startedAt,
            "error" to error?.let { shown(it, 500) },
            "plan" to plan.toJson(),
            "app" to app?.let { linkedMapOf("id" to it.id, "version" to it.version, "debuggable" to it.debuggable) },
            "device" to device?.let {
                linkedMapOf(
                    "manufacturer" to it.manufacturer, "model" to it.model, "sdk" to it.sdk, "abi" to it.abi,
                    "soc" to it.soc, "cores" to it.cores,
                )
            },
            "model" to model?.let { modelJson(it) },
            "running" to engine?.let { engineJson(it) },
            "fallbacks" to fallbacks.map { it.toJson() },
            "golden" to golden?.toJson(),
            "initialization_ms" to initializationMs,
            "first_inference_ms" to firstInferenceMs,
            "warm_up_ms" to warmUpMs,
            "warm_up_ended" to warmUpEnded,
            "samples_ms" to samplesMs,
            "native_ms" to nativeMs,
            "summary" to if (samplesMs.isEmpty()) null else Statistics(samplesMs).toJson(),
            "memory" to memory?.let {
                linkedMapOf(
                    "before_kib" to it.beforeKib, "loaded_kib" to it.loadedKib, "after_kib" to it.afterKib,
                    "resident_peak_kib" to it.residentPeakKib,
                )
            },
            "thermal" to thermal?.let {
                linkedMapOf(
                    "status_before" to it.statusBefore, "status_after" to it.statusAfter,
                    "headroom_before" to it.headroomBefore, "headroom_after" to it.headroomAfter,
                )
            },
            "evaluation" to evaluation?.map {
                linkedMapOf(
                    "file" to it.file, "scores" to it.scores, "input_sha256" to it.inputSha256, "error" to it.error,
                )
            },
        ),
        indent = true,
    ) + "\n"

    private fun modelJson(model: ModelDescription): Map<String, Any?> = linkedMapOf(
        "file" to model.where, "name" to model.card.name, "sha256" to model.sha256, "size_bytes" to model.sizeBytes,
        "precision" to model.card.precision, "operators" to model.operators, "input" to tensorJson(model.input),
        "output" to tensorJson(model.output), "preprocessing" to model.preprocessing.toJson(),
    )

    private fun tensorJson(tensor: TensorSpec): Map<String, Any?> = linkedMapOf(
        "shape" to tensor.shape, "type" to tensor.type, "scale" to tensor.scale, "zero_point" to tensor.zeroPoint,
    )

    private fun engineJson(engine: EngineDescription): Map<String, Any?> = linkedMapOf(
        "delegate" to engine.choice.kind, "threads" to engine.choice.threads, "xnnpack" to engine.choice.xnnpack,
        "accelerator" to engine.accelerator, "runtime_version" to engine.runtimeVersion,
        "replacing" to engine.replaced?.map { it.toJson() }, "cpuset" to cpuset,
    )

    companion object {
        const val FORMAT = "swiftformer-benchmark"
        const val VERSION = 1
    }
}
