package dev.swiftformer.core

import java.util.UUID

/** Why a way to run was given up, in a form that the app can word. */
class FallbackReason(val kind: Kind, val choice: DelegateChoice, val arguments: List<String> = emptyList()) {
    enum class Kind {
        /** Arguments: the delegate's own words. */
        REFUSED,

        /** Arguments: how many times the app died with it; what came before it was chosen again counts as once. */
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
 * a marker that is written before an attempt and taken away when its engine is closed, or rests; what died [CRASH_LIMIT]
 * times, without an orderly end after [CONFIRMING_RUNS] runs in between, is not tried again until [forgive].
 * An end that a person or the system brings while the app is seen counts like one of the delegate's.
 *
 * All calls on the thread that runs the engine, but for [rest] and [work]. Several may share a store, each on its own
 * thread: two screens of one app.
 *
 * @param key what the crash count is of: the model's SHA-256, the app's installation and the system's version.
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
    private val marker = Marker(attempts)
    private var chain: List<DelegateChoice> = emptyList()
    private var at = 0
    private var current: InferenceEngine? = null
    private var reasons = ArrayList<FallbackReason>()
    private var runs = 0
    private var heat = 0

    /** Start the model as wanted or as near as it goes; an engine that runs is closed first. */
    fun start(wanted: DelegateChoice): Outcome {
        close()
        reasons = ArrayList()
        chain = chain(wanted)
        at = 0
        return goOn()
    }

    private fun chain(wanted: DelegateChoice): List<DelegateChoice> {
        val cpu = DelegateChoice(DelegateKind.CPU, wanted.threads)
        val plain = cpu.copy(xnnpack = false)
        return if (wanted == plain) listOf(plain) else listOf(wanted, cpu, plain).distinct()
    }

    /**
     * Whether the running engine is all that [wanted] asks for: a delegate that took every operator leaves the CPU's
     * threads nothing. What it falls back to then has them.
     */
    fun keeps(wanted: DelegateChoice): Boolean {
        val running = current?.description ?: return false
        val share = running.share
        val whole = running.choice.kind != DelegateKind.CPU && share != null && share.taken == share.total
        if (!whole || wanted.copy(threads = running.choice.threads) != running.choice) return false
        chain = chain(wanted)
        return true
    }

    /** Give the running engine up for [reason] and go on with the next; with nothing left, [Outcome.Failed]. */
    fun giveUp(reason: FallbackReason): Outcome {
        end(false)
        reasons.add(reason)
        at++
        return goOn()
    }

    /** To be called before each run. */
    fun beforeRun() = marker.goOn()

    /** A run went well: its scores were finite. After [CONFIRMING_RUNS] of them an orderly end forgets earlier crashes. */
    fun ran() {
        if (runs < CONFIRMING_RUNS) runs++
    }

    /**
     * Nobody sees the app: until [work], what ends its process is the system or a person, not the delegate. Any thread; an
     * engine may be starting.
     */
    fun rest() = marker.rest()

    /** Runs follow again. Any thread. */
    fun work() = marker.work()

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

    /** A person picked [choice] again by hand: it is tried once more, a CPU in both its forms, for it is picked as one. */
    fun forgive(choice: DelegateChoice) {
        attempts.lower(name(choice), CRASH_LIMIT - 1)
        if (choice.kind == DelegateKind.CPU) attempts.lower(name(choice.copy(xnnpack = false)), CRASH_LIMIT - 1)
    }

    /** Close the running engine; the app goes to the background or ends. No crash is counted for it. */
    fun close() = end(runs >= CONFIRMING_RUNS)

    private fun end(orderly: Boolean) {
        val engine = current ?: return
        current = null
        marker.closing()
        val closed = closeQuietly(engine)
        marker.end(orderly && closed)
    }

    private fun goOn(): Outcome {
        while (at < chain.size) {
            val choice = chain[at]
            val reason = tooHot(choice) ?: crashed(choice)
            if (reason != null) {
                reasons.add(reason)
            } else {
                marker.begin(name(choice))
                val running = attempt(choice)
                if (running != null) return running.also { marker.started() }
                marker.end(false)
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

    /** False where it refused: one that refused to start, or failed while it ran, may; the reason is already known. */
    private fun closeQuietly(engine: InferenceEngine?): Boolean = try {
        engine?.close()
        true
    } catch (_: Exception) {
        false
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
