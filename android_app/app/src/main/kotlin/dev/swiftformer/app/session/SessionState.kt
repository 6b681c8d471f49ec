package dev.swiftformer.app.session

import android.graphics.Bitmap
import dev.swiftformer.app.picture.PictureProblem
import dev.swiftformer.app.screen.Answer
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.ModelDescription
import dev.swiftformer.core.ModelProblem

/** What the user asked for: which model of the list, and on what. */
data class Choice(val model: Int, val delegate: DelegateKind, val threads: Int)

/** A picture that stands still. @property saved how it is found again. */
class Still(val bitmap: Bitmap, val saved: SavedStill) {
    val mirrored: Boolean get() = saved.mirrored
}

/** Why nothing is classified. */
sealed class SessionProblem {
    object NoModels : SessionProblem()

    class BadIndex(val reason: String) : SessionProblem()

    class BadModel(val problem: ModelProblem) : SessionProblem()

    /** Not even the CPU runs the model. */
    class NoEngine(val file: String, val reasons: List<FallbackReason>) : SessionProblem()
}

/** How fast it went. @property framesPerSecond 0 for a picture that stands still. */
class Speed(val framesPerSecond: Double, val pictureMs: Double, val modelMs: Double, val afterMs: Double)

/**
 * Everything the screen shows of a [Session], at one moment.
 *
 * @property models the files' names, in the order of the index.
 * @property model what the chosen file says of itself; null until it was read, and when it cannot be used.
 * @property engine what runs; null while something is being tried, and when nothing runs.
 * @property fallbacks why it is not what was asked for; empty where it is.
 */
data class SessionState(
    val choice: Choice,
    val models: List<String> = emptyList(),
    val model: ModelDescription? = null,
    val engine: EngineDescription? = null,
    val fallbacks: List<FallbackReason> = emptyList(),
    val trying: Boolean = true,
    val problem: SessionProblem? = null,
    val still: Still? = null,
    val readingPicture: Boolean = false,
    val pictureProblem: PictureProblem? = null,
    val noPicture: Boolean = false,
    val hot: Boolean = false,
    val answers: List<Answer> = emptyList(),
    val speed: Speed? = null,
) {
    /** The chosen file's name. */
    val modelFile: String? get() = models.getOrNull(choice.model)
}
