package dev.swiftformer.app.session

import android.graphics.Bitmap
import android.net.Uri
import dev.swiftformer.app.Parts
import dev.swiftformer.app.model.OpenModel
import dev.swiftformer.app.model.asRgb
import dev.swiftformer.app.model.toBitmap
import dev.swiftformer.app.picture.PictureProblem
import dev.swiftformer.app.picture.StillPictures
import dev.swiftformer.app.screen.Answer
import dev.swiftformer.core.ConfidenceSmoother
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateChooser
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.FrameConverter
import dev.swiftformer.core.GoldenCheck
import dev.swiftformer.core.GoldenResult
import dev.swiftformer.core.InferenceEngine
import dev.swiftformer.core.InputWriter
import dev.swiftformer.core.ModelIndex
import dev.swiftformer.core.ModelIndexException
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.ModelProblemException
import dev.swiftformer.core.Outcome
import dev.swiftformer.core.Phase
import dev.swiftformer.core.PhaseTimes
import dev.swiftformer.core.PreprocessingException
import dev.swiftformer.core.RgbSource
import dev.swiftformer.core.Scores

/**
 * The engine's thread: everything here is called on it, but for [rest] and [work].
 *
 * @param task of the screen, by which its kept pictures are known.
 * @param post hands a change of the session's state to the main thread.
 */
internal class EngineRoom(private val parts: Parts, private val task: Int = -1, private val post: ((Session) -> Unit) -> Unit) {
    private var entries: List<ModelIndex.Entry> = emptyList()
    private var open: OpenModel? = null
    @Volatile private var chooser: DelegateChooser? = null
    private var resting = false
    private var lane: Lane? = null
    private var still: Bitmap? = null
    private var kept: String? = null  // its name among the kept pictures
    private var shownAt = 0L
    private var heat = 0
    private val times = PhaseTimes()

    /** What a running model needs for a picture. */
    private class Lane(val engine: InferenceEngine, val writer: InputWriter, val scores: Scores, val smoother: ConfidenceSmoother) {
        var lastFrame = 0L
    }

    fun tell(answersOnly: Boolean = false, new: SessionState.() -> SessionState) = post { it.change(answersOnly, new) }

    /** Reads the index, then loads [choice], of the file named [stored] where it is still there. */
    fun list(stored: String?, choice: Choice) {
        try {
            entries = parts.models.index().models
        } catch (e: ModelIndexException) {
            return tell { copy(trying = false, problem = SessionProblem.BadIndex(e.message.orEmpty())) }
        } catch (e: ModelProblemException) {
            return tell { copy(trying = false, problem = SessionProblem.BadModel(e.problem)) }
        }
        if (entries.isEmpty()) return tell { copy(trying = false, problem = SessionProblem.NoModels) }
        val index = entries.indexOfFirst { it.file == stored }.coerceAtLeast(0)
        val names = entries.map { it.file }
        tell { copy(models = names, choice = this.choice.copy(model = index)) }
        load(choice.copy(model = index), false)
    }

    /** Runs [choice] in place of what runs. */
    fun load(choice: Choice, insisting: Boolean) {
        val entry = entries.getOrNull(choice.model)
        val wanted = DelegateChoice(choice.delegate, choice.threads)
        val same = lane != null && entry != null && open?.description?.where == entry.file
        if (same && !insisting && chooser?.keeps(wanted) == true) return tell { copy(trying = false) }
        sleep()
        if (entry == null) return
        val model = try {
            open?.takeIf { it.description.where == entry.file } ?: parts.models.open(entry)
        } catch (e: ModelProblemException) {
            return refuse(e.problem)
        }
        open = model
        tell {
            copy(
                model = model.description, engine = null, problem = null, trying = true,
                answers = emptyList(), speed = null,
            )
        }
        val check = try {
            check(entry, model)
        } catch (e: ModelProblemException) {
            return tell { copy(trying = false, problem = SessionProblem.BadModel(e.problem)) }
        } catch (e: OutOfMemoryError) {
            return refuse(ModelProblem(ModelProblem.Kind.NO_MEMORY, entry.file))
        }
        val key = model.description.sha256 + " " + parts.build
        val fresh = DelegateChooser(parts.engines(model), parts.attempts, key, check)
        adopt(fresh)
        if (insisting) fresh.forgive(wanted)
        fresh.judgeThermal(heat)
        arrive(fresh.start(wanted))
    }

    private fun refuse(problem: ModelProblem) {
        open = null
        tell {
            copy(
                trying = false, model = null, engine = null, problem = SessionProblem.BadModel(problem),
                answers = emptyList(), speed = null,
            )
        }
    }

    @Synchronized
    private fun adopt(fresh: DelegateChooser) {
        chooser = fresh
        if (resting) fresh.rest()
    }

    /** What ends the process until [work] is no delegate. On the main thread, at once: the engine's may be busy. */
    @Synchronized
    fun rest() {
        resting = true
        chooser?.rest()
    }

    /** Ends [rest]; on the main thread. */
    @Synchronized
    fun work() {
        resting = false
        chooser?.work()
    }

    private fun check(entry: ModelIndex.Entry, model: OpenModel): ((InferenceEngine) -> GoldenResult)? {
        val golden = entry.golden ?: return null
        val picture = parts.models.goldenPicture(golden)
            ?: throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, golden.picture, listOf(entry.file)))
        return { engine -> GoldenCheck(golden).run(engine, model.description, picture.asRgb()) }
    }

    private fun arrive(outcome: Outcome) {
        val model = open?.description ?: return
        times.reset()
        when (outcome) {
            is Outcome.Failed -> {
                lane = null
                tell {
                    copy(
                        trying = false, engine = null, answers = emptyList(), speed = null,
                        problem = SessionProblem.NoEngine(model.where, outcome.fallbacks),
                    )
                }
            }
            is Outcome.Running -> {
                val error = failure {
                    lane = Lane(
                        outcome.engine, model.inputWriter(), Scores(model.output, model.card.outputKind),
                        ConfidenceSmoother(model.classes, ANSWERS),
                    )
                }
                if (error != null) return failed(error)
                tell {
                    copy(trying = false, problem = null, engine = outcome.engine.description, fallbacks = outcome.fallbacks)
                }
                still?.let { classifyStill(it) }
            }
        }
    }

    /** A camera's frame, whose planes took [loadedNs] to copy. */
    fun live(frame: FrameConverter, loadedNs: Long) {
        val running = lane
        if (still != null || running == null) return
        val began = System.nanoTime()
        val elapsedMs = if (running.lastFrame == 0L) 0.0 else (began - running.lastFrame) / 1e6
        running.lastFrame = began
        var answered = false
        val error = try {
            failure { answered = run(running, frame, loadedNs, elapsedMs) }
        } catch (e: PreprocessingException) {  // a frame of one column: the next may be another
            return
        }
        if (error != null) failed(error)
        if (!answered) return
        val now = System.nanoTime()
        times.frame(now)
        if (now - shownAt < SHOW_EVERY_NS) return
        shownAt = now
        val answers = answers(running)
        val speed = speed(times.framesPerSecond())
        tell(answersOnly = true) { if (still == null) copy(answers = answers, speed = speed) else this }
    }

    /** Holds the frame that just came. */
    fun freeze(frame: FrameConverter, mirrored: Boolean) {
        val bitmap = try {
            frame.toPicture().toBitmap()
        } catch (e: OutOfMemoryError) {
            return tell { copy(pictureProblem = PictureProblem.TOO_LARGE) }
        } catch (e: RuntimeException) {  // a frame that contradicts itself: the next may not
            return tell { copy(pictureProblem = PictureProblem.NOT_A_PICTURE) }
        }
        still(bitmap, mirrored, true)
    }

    /**
     * Classifies a picture that stands still. The model sees it whole, also where the screen shows it smaller.
     *
     * @param keep it for after the process's death; else it is kept already as [file], or not at all.
     * @param source where it was opened.
     */
    fun still(bitmap: Bitmap, mirrored: Boolean, keep: Boolean, source: Uri? = null, file: String? = null) {
        val shown = try {
            StillPictures.shown(bitmap)
        } catch (e: OutOfMemoryError) {
            return tell { copy(readingPicture = false, pictureProblem = PictureProblem.TOO_LARGE) }
        }
        still = bitmap
        if (kept != file) forget()
        kept = if (keep) parts.kept.keep(bitmap, task) else file
        val saved = SavedStill(kept, source, mirrored)
        tell {
            copy(still = Still(shown, saved), readingPicture = false, pictureProblem = null, noPicture = false)
        }
        classifyStill(bitmap)
    }

    /** A file that is about to come back: forgotten like one that stands still. */
    fun holds(file: String) {
        kept = file
    }

    /** Nobody comes back to the picture that stands still. */
    fun forget() {
        kept?.let { parts.kept.forget(it) }
        kept = null
    }

    private fun classifyStill(bitmap: Bitmap) {
        val running = lane ?: return
        times.reset()
        running.smoother.reset()
        try {
            if (!run(running, bitmap.asRgb(), 0, 0.0)) return
        } catch (e: PreprocessingException) {
            return refuse(PictureProblem.TOO_LONG)
        } catch (e: OutOfMemoryError) {
            return refuse(PictureProblem.TOO_LARGE)
        } catch (e: RuntimeException) {  // its pixels are gone
            return refuse(PictureProblem.NOT_A_PICTURE)
        }
        val answers = answers(running)
        val speed = speed(0.0)
        tell { copy(answers = answers, speed = speed, pictureProblem = null) }
    }

    /** The engine goes on: it is the picture's fault. */
    private fun refuse(problem: PictureProblem) =
        tell { copy(pictureProblem = problem, answers = emptyList(), speed = null) }

    /**
     * One picture through the model. False when the engine had to be given up; another may run by then.
     *
     * @throws PreprocessingException the picture is too long and thin for any engine.
     * @throws OutOfMemoryError it is too large for the memory that is left.
     */
    private fun run(running: Lane, picture: RgbSource, loadedNs: Long, elapsedMs: Double): Boolean {
        val began = System.nanoTime()
        running.writer.write(picture, running.engine.input)
        val written = System.nanoTime()
        var ran = written
        var reason: FallbackReason? = null
        val error = failure {
            chooser?.beforeRun()
            running.engine.run()
            ran = System.nanoTime()
            running.scores.read(running.engine.output)
            reason = chooser?.judge(running.scores)
            if (reason == null) {
                chooser?.ran()
                running.smoother.update(running.scores.probabilities, elapsedMs)
            }
        }
        if (error != null) {
            failed(error)
            return false
        }
        reason?.let {
            giveUp(it)
            return false
        }
        times.add(Phase.TO_TENSOR, loadedNs + written - began)
        times.add(Phase.INFERENCE, ran - written)
        times.add(Phase.AFTER, System.nanoTime() - ran)
        return true
    }

    /** What [work] failed of, or null: an engine's error, little memory, a mistake; none of them may end the app. */
    private inline fun failure(work: () -> Unit): Throwable? = try {
        work()
        null
    } catch (e: EngineException) {
        e
    } catch (e: OutOfMemoryError) {
        e
    } catch (e: RuntimeException) {
        e
    }

    private fun failed(error: Throwable) {
        lane = null
        chooser?.let { giveUp(it.judgeFailure(error)) }
    }

    private fun giveUp(reason: FallbackReason) {
        lane = null
        tell { copy(trying = true, engine = null) }
        chooser?.let { arrive(it.giveUp(reason)) }
    }

    private fun answers(running: Lane): List<Answer> {
        val model = open?.description ?: return emptyList()
        return List(running.smoother.count) { place ->
            val index = running.smoother.order[place]
            Answer(model.labels?.get(index), index, running.smoother.probability(place))
        }
    }

    private fun speed(framesPerSecond: Double) = Speed(
        framesPerSecond, times.meanMs(Phase.TO_TENSOR), times.meanMs(Phase.INFERENCE), times.meanMs(Phase.AFTER),
    )

    /** Back to the camera. */
    fun resume() {
        still = null
        lane?.let {
            it.smoother.reset()
            it.lastFrame = 0L
        }
        times.reset()
        tell { copy(still = null, answers = emptyList(), speed = null) }
        forget()
    }

    fun thermal(status: Int) {
        heat = status
        val reason = chooser?.judgeThermal(status) ?: return
        giveUp(reason)
    }

    /** Frees the engine. */
    fun sleep() {
        lane = null
        chooser?.close()
        chooser = null
    }

    private companion object {
        const val ANSWERS = 5

        /** Ten times a second is as often as a person can read it. */
        const val SHOW_EVERY_NS = 100_000_000L
    }
}
