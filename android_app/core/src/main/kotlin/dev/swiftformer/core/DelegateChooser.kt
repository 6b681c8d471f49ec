package dev.swiftformer.core

import java.util.UUID

/** Why a way to run was given up, in a form that the app can word. */
class FallbackReason(val kind: Kind, val choice: DelegateChoice, val arguments: List<String> = emptyList()) {
    enum class Kind {
        /** Arguments: the delegate's own words. */
        REFUSED,

        /** Arguments: how many times the app died with it. */
        CRASHED,

        /** Arguments: the largest difference of a logit, the bound. */
        WRONG_ANSWER,

        /** No arguments. */
        NOT_A_NUMBER,

        /** The delegate loaded and took no operator. No arguments. */
        TOOK_NOTHING,

        /** Arguments: the runtime's own words. */
        FAILED_WHILE_RUNNING,

        /** Arguments: Android's thermal status, 0 to 6. */
        TOO_HOT,
    }

    fun toJson(): Map<String, Any?> = linkedMapOf(
        "kind" to kind, "delegate" to choice.kind, "threads" to choice.threads, "xnnpack" to choice.xnnpack,
        "arguments" to arguments,
    )

    override fun toString(): String = "$kind $choice $arguments"
}

/** A small text that outlives the process; written through to the disk before [write] returns. */
interface AttemptStore {
    /** What was written last; empty before. */
    fun read(): String

    fun write(text: String)
}

/** What the chooser came to. */
sealed class Outcome {
    abstract val fallbacks: List<FallbackReason>

    /** An engine runs: as wanted where [fallbacks] is empty. [golden] is null where there was nothing to check with. */
    class Running(
        val engine: InferenceEngine, val golden: GoldenResult?, override val fallbacks: List<FallbackReason>,
    ) : Outcome()

    /** Not even the CPU runs the model. */
    class Failed(override val fallbacks: List<FallbackReason>) : Outcome()
}

/**
 * Tries what a person picked, and falls back in the open: wanted, then the CPU with XNNPACK, then the CPU without.
 *
 * Each is started, checked with the golden picture, and given up with a reason when the delegate refuses, takes nothing,
 * computes something else, gives no numbers, dies with the app, or the device grows too hot. That the app died is known from
 * a marker that is written before an attempt and taken away after [CONFIRMING_RUNS] runs; what died [CRASH_LIMIT] times is
 * not tried again until [forgive].
 *
 * All calls on the thread that runs the engine. Several may share a store, each on its own thread: two screens of one app.
 *
 * @param key what the crash count is of: the model's SHA-256, the app's version and the system's.
 * @param check the golden check, or null where a file has none (a file of one's own).
 * @param process names the process that runs: a marker of another one is a crash, one of this one is an engine that lives.
 */
class DelegateChooser(
    private val factory: EngineFactory,
    store: AttemptStore,
    private val key: String,
    private val check: ((InferenceEngine) -> GoldenResult)? = null,
    process: String = PROCESS,
) {
    private val attempts = Attempts(store, process)
    private var chain: List<DelegateChoice> = emptyList()
    private var at = 0
    private var current: InferenceEngine? = null
    private var reasons = ArrayList<FallbackReason>()
    private var runs = 0
    private var heat = 0
    private var confirmed = true

    /** Start the model as wanted or as near as it goes; an engine that runs is closed first. */
    fun start(wanted: DelegateChoice): Outcome {
        close()
        reasons = ArrayList()
        val cpu = DelegateChoice(DelegateKind.CPU, wanted.threads)
        val plain = cpu.copy(xnnpack = false)
        chain = listOf(wanted, cpu, plain).distinct().let { if (wanted == plain) listOf(plain) else it }
        at = 0
        return goOn()
    }

    /** Give the running engine up for [reason] and go on with the next; with nothing left, [Outcome.Failed]. */
    fun giveUp(reason: FallbackReason): Outcome {
        close()
        reasons.add(reason)
        at++
        return goOn()
    }

    /** A run went well: its scores were finite. After [CONFIRMING_RUNS] of them the attempt counts as survived. */
    fun ran() {
        if (confirmed) return
        runs++
        if (runs >= CONFIRMING_RUNS) {
            confirmed = true
            attempts.survived(name(chain[at]))
        }
    }

    /** Why the running engine should be given up for the scores of a run, or null. */
    fun judge(scores: Scores): FallbackReason? =
        if (scores.finite) null else FallbackReason(FallbackReason.Kind.NOT_A_NUMBER, chain[at])

    /**
     * Why it should be given up at Android's thermal status [status], 0 to 6; the CPU is never given up for it. The status
     * is remembered: what is too hot to run is not started either.
     */
    fun judgeThermal(status: Int): FallbackReason? {
        heat = status
        return current?.description?.choice?.let { tooHot(it) }
    }

    private fun tooHot(choice: DelegateChoice): FallbackReason? =
        if (heat < THERMAL_LIMIT || choice.kind == DelegateKind.CPU) null
        else FallbackReason(FallbackReason.Kind.TOO_HOT, choice, listOf(heat.toString()))

    /** Why it should be given up after the runtime threw. */
    fun judgeFailure(error: Throwable): FallbackReason =
        FallbackReason(FallbackReason.Kind.FAILED_WHILE_RUNNING, chain[at], listOf(words(error)))

    /** Forget that [choice] died with the app: a person picked it again by hand. */
    fun forgive(choice: DelegateChoice) = attempts.forget(name(choice))

    /** Close the running engine; the app goes to the background or ends. No crash is counted for it. */
    fun close() {
        val engine = current ?: return
        current = null
        closeQuietly(engine)
        if (!confirmed) attempts.left(name(chain[at]))
        confirmed = true
    }

    private fun goOn(): Outcome {
        while (at < chain.size) {
            val choice = chain[at]
            val reason = tooHot(choice) ?: crashed(choice)
            if (reason != null) {
                reasons.add(reason)
            } else {
                attempts.begun(name(choice))
                val running = attempt(choice)
                if (running != null) return running
                attempts.left(name(choice))
            }
            at++
        }
        return Outcome.Failed(reasons.toList())
    }

    private fun crashed(choice: DelegateChoice): FallbackReason? = attempts.crashes(name(choice)).takeIf { it >= CRASH_LIMIT }
        ?.let { FallbackReason(FallbackReason.Kind.CRASHED, choice, listOf(it.toString())) }

    private fun attempt(choice: DelegateChoice): Outcome.Running? {
        var engine: InferenceEngine? = null
        var kept = false
        try {
            engine = factory.create(choice)
            val golden = if (tookNothing(engine, choice)) null else check?.invoke(engine)
            val reason = if (tookNothing(engine, choice)) {
                FallbackReason(FallbackReason.Kind.TOOK_NOTHING, choice)
            } else {
                reason(golden, choice)
            }
            if (reason != null) {
                reasons.add(reason)
                return null
            }
            kept = true
            current = engine
            confirmed = false
            runs = 0
            return Outcome.Running(engine, golden, reasons.toList())
        } catch (error: Exception) {
            reasons.add(FallbackReason(FallbackReason.Kind.REFUSED, choice, listOf(words(error))))
        } catch (error: LinkageError) { // A library or class of the delegate is not on this device.
            reasons.add(FallbackReason(FallbackReason.Kind.REFUSED, choice, listOf(words(error))))
        } catch (error: OutOfMemoryError) {
            reasons.add(FallbackReason(FallbackReason.Kind.REFUSED, choice, listOf(words(error))))
        } finally {
            if (!kept) closeQuietly(engine)
        }
        return null
    }

    private fun tookNothing(engine: InferenceEngine, choice: DelegateChoice): Boolean =
        choice.kind != DelegateKind.CPU && engine.description.share?.taken == 0

    private fun reason(golden: GoldenResult?, choice: DelegateChoice): FallbackReason? = when (golden) {
        null, is GoldenResult.Passed -> null
        is GoldenResult.WrongAnswer -> FallbackReason(
            FallbackReason.Kind.WRONG_ANSWER, choice, listOf(golden.difference.toString(), golden.bound.toString()),
        )
        is GoldenResult.NotFinite -> FallbackReason(FallbackReason.Kind.NOT_A_NUMBER, choice)
        is GoldenResult.WrongCount -> FallbackReason(
            FallbackReason.Kind.WRONG_ANSWER, choice, listOf("${golden.actual} classes", "${golden.expected} classes"),
        )
    }

    /** A delegate that refused, or that failed while it ran, may also refuse to close; the reason is already known. */
    private fun closeQuietly(engine: InferenceEngine?) {
        try {
            engine?.close()
        } catch (_: Exception) {
            return
        }
    }

    private fun words(error: Throwable): String = shown(error.message ?: error.javaClass.simpleName, 300)

    private fun name(choice: DelegateChoice): String = "$key ${choice.kind} ${choice.xnnpack}"

    companion object {
        const val CONFIRMING_RUNS = 10
        const val CRASH_LIMIT = 2

        /** Android's THERMAL_STATUS_CRITICAL: what comes next is that the system takes the device down. */
        const val THERMAL_LIMIT = 4

        private val PROCESS = UUID.randomUUID().toString()
    }
}

/**
 * Crash counts by name, and the attempts that are under way.
 *
 * Nothing is remembered beside the store, which is read before each change: another chooser of the same process writes it
 * too. The attempts in it are of the process that it names; those of another one ended with that process.
 */
private class Attempts(private val store: AttemptStore, private val process: String) {
    private class Record(val counts: LinkedHashMap<String, Int>, val pending: ArrayList<String>)

    init {
        change { false }
    }

    fun crashes(name: String): Int = synchronized(LOCK) { read(null).counts[name] ?: 0 }

    fun begun(name: String) = change { it.pending.add(name) }

    /** It ended without a crash before it was confirmed; earlier crashes still count. */
    fun left(name: String) = change { it.pending.remove(name) }

    fun survived(name: String) = change {
        val changed = it.pending.remove(name)
        it.counts.remove(name) != null || changed
    }

    fun forget(name: String) = change { it.counts.remove(name) != null }

    /** @param change says whether it changed anything. */
    private fun change(change: (Record) -> Boolean) = synchronized(LOCK) {
        val ended = LinkedHashSet<String>()
        val record = read(ended)
        for (name in ended) record.counts[name] = (record.counts[name] ?: 0) + 1
        if (change(record) || ended.isNotEmpty()) write(record)
    }

    /**
     * What cannot be read counts as nothing: the store is the app's own, and a damaged one must not stop it.
     *
     * @param ended takes the attempts of a process that is no more.
     */
    private fun read(ended: MutableSet<String>?): Record {
        val record = Record(LinkedHashMap(), ArrayList())
        val json = try {
            Json.parse(store.read())
        } catch (_: JsonException) {
            return record
        }
        val values = json as? Map<*, *> ?: return record
        for ((name, count) in values["crashes"] as? Map<*, *> ?: emptyMap<String, Any>()) {
            if (name is String && count is Long && count in 1..1000) record.counts[name] = count.toInt()
        }
        val pending = (values["pending"] as? List<*> ?: emptyList<String>()).filterIsInstance<String>()
        if (values["process"] == process) record.pending.addAll(pending) else ended?.addAll(pending)
        return record
    }

    private fun write(record: Record) {
        val counts = record.counts
        while (counts.size > MAX_NAMES) counts.remove(counts.keys.first())
        store.write(Json.write(mapOf("crashes" to counts, "pending" to record.pending, "process" to process)))
    }

    private companion object {
        const val MAX_NAMES = 200
        val LOCK = Any()
    }
}
