package dev.swiftformer.core

import java.nio.ByteBuffer

/** What computes: the CPU, or a delegate in front of it. */
enum class DelegateKind { CPU, GPU, NNAPI }

/**
 * One way to run a model, as a person picks it.
 *
 * @property threads of the CPU, also for operators that a delegate leaves.
 * @property xnnpack whether the CPU uses XNNPACK; without it TFLite's own kernels, which are slower and older.
 */
data class DelegateChoice(val kind: DelegateKind, val threads: Int = 4, val xnnpack: Boolean = true) {
    init {
        require(threads in 1..MAX_THREADS) { "threads must be 1 to $MAX_THREADS, not $threads" }
    }

    companion object {
        const val MAX_THREADS = 64
    }
}

/**
 * What an engine says of itself once it runs.
 *
 * @property choice what it was asked for.
 * @property replaced what delegates took of the graph, from the runtime's own log; empty where they took nothing, null
 * where the log could not be read ("share unknown").
 * @property accelerator NNAPI's device by its own name; null where there is none or it is unknown.
 * @property runtimeVersion of TFLite or LiteRT, as the library says.
 */
data class EngineDescription(
    val choice: DelegateChoice,
    val replaced: List<Replacement>?,
    val accelerator: String? = null,
    val runtimeVersion: String = "",
) {
    /**
     * Operators that the delegate of [choice] itself took, and of how many; null where that is unknown, and on a CPU that
     * no delegate helps. What XNNPACK took of that which a GPU left is not the GPU's.
     */
    val share: Share? get() {
        val lines = replaced ?: return null
        val own = lines.filter { it.isOf(choice.kind) }
        if (own.isEmpty() && choice.kind == DelegateKind.CPU) return null
        return Share(own.sumOf { it.taken }, (own.ifEmpty { lines }).maxOfOrNull { it.total } ?: 0)
    }

    data class Share(val taken: Int, val total: Int)
}

/**
 * A model that is loaded and ready. Used, and closed, on the thread that made it (a GPU delegate lives on one).
 *
 * The only door to the runtime: nothing else in the core knows of an interpreter.
 */
interface InferenceEngine : AutoCloseable {
    val description: EngineDescription

    /** Direct, in the machine's byte order; the caller fills it from its first byte. */
    val input: ByteBuffer

    /** Direct, in the machine's byte order; holds the output from its first byte after [run]. */
    val output: ByteBuffer

    /**
     * Compute [output] from [input].
     *
     * @throws EngineException the runtime gave up.
     */
    fun run()

    override fun close()
}

/** A runtime or delegate refused a model, or failed while it ran; [message] has its own words, in one line. */
class EngineException(message: String, cause: Throwable? = null) : Exception(message, cause)

/** Makes engines; the app's has the interpreter in it. */
interface EngineFactory {
    /** @throws EngineException the delegate is not there or refuses the model. */
    fun create(choice: DelegateChoice): InferenceEngine
}
