package dev.swiftformer.core

/**
 * What a delegate took of a graph: one "Replacing" line of the runtime's log.
 *
 * @property delegate its name in the runtime, such as "TfLiteXNNPackDelegate" or "TfLiteGpuDelegateV2".
 * @property taken operators that it took.
 * @property total operators of the graph.
 * @property partitions into how many pieces the graph falls, those of the delegate and those left together.
 */
data class Replacement(val delegate: String, val taken: Int, val total: Int, val partitions: Int) {
    /** Whether this line is about what [kind] stands for; XNNPACK may take what another delegate leaves. */
    fun isOf(kind: DelegateKind): Boolean = delegate.contains(
        when (kind) {
            DelegateKind.CPU -> "XNNPack"
            DelegateKind.GPU -> "Gpu"
            DelegateKind.NNAPI -> "Nnapi"
        },
        ignoreCase = true,
    )

    fun toJson(): Map<String, Any?> =
        linkedMapOf("delegate" to delegate, "taken" to taken, "total" to total, "partitions" to partitions)
}

/**
 * Reads the runtime's log: neither Java nor C tells how many operators a delegate took, the log does.
 *
 *     INFO: Replacing 219 out of 220 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions for …
 */
object DelegateLog {
    private val LINE = Regex(
        "Replacing (\\d{1,9}) out of (\\d{1,9}) node\\(s\\) with delegate \\(([\\w.:-]{1,100})\\) node, " +
            "yielding (\\d{1,9}) partitions"
    )

    /** The replacements in [log], in its order; lines that contradict themselves are left out. */
    fun read(log: String): List<Replacement> = LINE.findAll(log).map {
        val (taken, total, delegate, partitions) = it.destructured
        Replacement(delegate, taken.toInt(), total.toInt(), partitions.toInt())
    }.filter { it.taken <= it.total }.toList()

    /**
     * What the lines that were written while an engine started say: its replacements, or null where they say nothing.
     *
     * The runtime hands XNNPACK what no other delegate took and writes a line for it. With [xnnpack] on, a log without any
     * "Replacing" line is therefore one that was silenced, not one that says "nothing was taken".
     *
     * @param lines of the log; null where it could not be read.
     */
    fun of(lines: List<String>?, xnnpack: Boolean): List<Replacement>? =
        lines?.let { read(it.joinToString("\n")) }?.takeIf { it.isNotEmpty() || !xnnpack }
}
