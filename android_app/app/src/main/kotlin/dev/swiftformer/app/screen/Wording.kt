package dev.swiftformer.app.screen

import android.content.res.Resources
import dev.swiftformer.app.R
import dev.swiftformer.app.engine.InterpreterFactory
import dev.swiftformer.app.engine.Nnapi
import dev.swiftformer.app.picture.PictureProblem
import dev.swiftformer.app.session.SessionProblem
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.shown
import java.math.BigDecimal
import java.math.MathContext
import java.math.RoundingMode

/** The core's kinds and arguments as sentences in the user's language. */
class Wording(private val resources: Resources) {

    /** "GPU: 220 of 220 operators", or "CPU with XNNPACK, 4 threads: …. GPU refused: …". */
    fun runsOn(engine: EngineDescription, fallbacks: List<FallbackReason>): String {
        val share = engine.share
        val runs = name(engine)
        val shared = when {
            share != null ->
                resources.getQuantityString(R.plurals.runs_share, share.total, runs, share.taken, share.total)
            engine.replaced == null -> resources.getString(R.string.runs_share_unknown, runs)
            else -> runs
        }
        if (fallbacks.isEmpty()) return shared
        return resources.getString(R.string.runs_because, shared, fallbacks.joinToString(" ") { because(it) })
    }

    private fun name(engine: EngineDescription): String {
        val choice = engine.choice
        val threads = resources.getQuantityString(R.plurals.threads, choice.threads, choice.threads)
        val accelerator = engine.accelerator
        return when (choice.kind) {
            DelegateKind.GPU -> resources.getString(R.string.runs_gpu)
            DelegateKind.NNAPI ->
                if (accelerator == null) resources.getString(R.string.runs_nnapi_unknown)
                else resources.getString(R.string.runs_nnapi, accelerator)
            DelegateKind.CPU ->
                resources.getString(if (choice.xnnpack) R.string.runs_xnnpack else R.string.runs_plain, threads)
        }
    }

    /** What is being tried, as [DelegateKind]'s name. */
    fun name(kind: DelegateKind): String = resources.getString(
        when (kind) {
            DelegateKind.CPU -> R.string.name_cpu
            DelegateKind.GPU -> R.string.name_gpu
            DelegateKind.NNAPI -> R.string.name_nnapi
        },
    )

    private fun name(choice: DelegateChoice): String =
        if (choice.kind == DelegateKind.CPU && choice.xnnpack) resources.getString(R.string.name_xnnpack) else name(choice.kind)

    /** Why something was given up. */
    fun because(reason: FallbackReason): String {
        val name = name(reason.choice)
        val first = reason.arguments.getOrElse(0) { "?" }
        val second = reason.arguments.getOrElse(1) { "?" }
        return when (reason.kind) {
            FallbackReason.Kind.REFUSED -> when (first) {
                InterpreterFactory.AVX512 -> resources.getString(R.string.because_avx512)
                Nnapi.TOO_OLD -> resources.getString(R.string.because_nnapi_too_old)
                Nnapi.NONE -> resources.getString(R.string.because_nnapi_none)
                else -> resources.getString(R.string.because_refused, name, sentence(first))
            }
            FallbackReason.Kind.CRASHED -> resources.getString(R.string.because_crashed, name)
            FallbackReason.Kind.WRONG_ANSWER -> resources.getString(
                R.string.because_wrong, name, short(first, RoundingMode.UP), short(second, RoundingMode.HALF_EVEN),
            )
            FallbackReason.Kind.NOT_A_NUMBER -> resources.getString(R.string.because_not_a_number, name)
            FallbackReason.Kind.TOOK_NOTHING -> resources.getString(R.string.because_took_nothing, name)
            FallbackReason.Kind.FAILED_WHILE_RUNNING -> resources.getString(R.string.because_failed, name, sentence(first))
            FallbackReason.Kind.TOO_HOT -> resources.getString(R.string.because_hot, name)
        }
    }

    /** Two digits of a number that the core wrote in full; a difference above a bound is not rounded down to it. */
    private fun short(number: String, rounding: RoundingMode): String {
        val value = number.toDoubleOrNull()?.takeIf { it.isFinite() } ?: return shown(number, LONGEST)
        return BigDecimal(value).round(MathContext(2, rounding)).stripTrailingZeros().toPlainString()
    }

    /** A library's own words, one line of them, ended as a sentence. */
    private fun sentence(words: String): String {
        val line = shown(words.trim().lineSequence().firstOrNull { it.isNotBlank() }?.trim().orEmpty(), LONGEST_WORDS).ifEmpty { "?" }
        return if (line.last() in ".!?…") line else "$line."
    }

    fun problem(problem: SessionProblem): String = when (problem) {
        is SessionProblem.NoModels -> resources.getString(R.string.models_missing)
        is SessionProblem.BadIndex -> resources.getString(R.string.models_bad_index, problem.reason)
        is SessionProblem.BadModel -> model(problem.problem)
        is SessionProblem.NoEngine ->
            resources.getString(R.string.engine_failed, problem.file, problem.reasons.joinToString(" ") { because(it) })
    }

    fun model(problem: ModelProblem): String {
        val longest = if (problem.kind == ModelProblem.Kind.WRONG_SHA256) LONGEST_SHA256 else LONGEST
        val arguments = listOf(problem.where) + problem.arguments.map { shown(it, longest) }
        val wanted = when (problem.kind) {
            ModelProblem.Kind.CANNOT_READ -> R.string.model_cannot_read
            ModelProblem.Kind.NO_MEMORY -> R.string.model_no_memory
            ModelProblem.Kind.EMPTY -> R.string.model_empty
            ModelProblem.Kind.TOO_LARGE -> R.string.model_too_large
            ModelProblem.Kind.NOT_TFLITE -> R.string.model_not_tflite
            ModelProblem.Kind.DAMAGED -> R.string.model_damaged
            ModelProblem.Kind.WRONG_SHA256 -> R.string.model_wrong_sha256
            ModelProblem.Kind.NO_METADATA -> R.string.model_no_metadata
            ModelProblem.Kind.NO_CARD -> R.string.model_no_card
            ModelProblem.Kind.BAD_METADATA -> R.string.model_bad_metadata
            ModelProblem.Kind.BAD_CARD -> R.string.model_bad_card
            ModelProblem.Kind.OTHER_CARD_FORMAT -> R.string.model_other_card_format
            ModelProblem.Kind.BAD_PREPROCESSING -> R.string.model_bad_preprocessing
            ModelProblem.Kind.LABELS_MISSING -> R.string.model_labels_missing
            ModelProblem.Kind.BAD_LABELS -> R.string.model_bad_labels
            ModelProblem.Kind.WRONG_LABEL_COUNT -> R.string.model_wrong_label_count
            ModelProblem.Kind.NOT_A_PICTURE_INPUT -> R.string.model_not_a_picture_input
            ModelProblem.Kind.NOT_SCORES -> R.string.model_not_scores
            ModelProblem.Kind.WRONG_INPUT_SIZE -> R.string.model_wrong_input_size
            ModelProblem.Kind.WRONG_TYPE -> R.string.model_wrong_type
            ModelProblem.Kind.NO_SCALE -> R.string.model_no_scale
            ModelProblem.Kind.PICTURE_TOO_LONG -> R.string.model_picture_too_long
        }
        // A problem with fewer arguments than its sentence has places must not become a crash.
        return resources.getString(wanted, *(arguments + List(MOST_ARGUMENTS) { "?" }).toTypedArray())
    }

    fun picture(problem: PictureProblem): String = resources.getString(
        when (problem) {
            PictureProblem.CANNOT_OPEN -> R.string.picture_cannot_open
            PictureProblem.NOT_A_PICTURE -> R.string.picture_not_one
            PictureProblem.TOO_LARGE -> R.string.picture_too_large
            PictureProblem.TOO_LONG -> R.string.picture_too_long
            PictureProblem.TOO_SLOW -> R.string.picture_too_slow
        },
    )

    private companion object {
        const val LONGEST = 200

        /** Enough to tell two files apart; the rest is in the files' records. */
        const val LONGEST_SHA256 = 12
        const val LONGEST_WORDS = 120
        const val MOST_ARGUMENTS = 3
    }
}
