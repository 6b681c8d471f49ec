package dev.swiftformer.app.session

import android.media.Image
import android.net.Uri
import android.os.CancellationSignal
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import dev.swiftformer.app.Parts
import dev.swiftformer.app.engine.Thermal
import dev.swiftformer.app.picture.Opened
import dev.swiftformer.app.picture.PictureOpener
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.FrameConverter
import dev.swiftformer.core.FrameException
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/**
 * From pictures to answers: holds the model that runs and the picture that stands still, and outlives a rotation.
 *
 * Used on the main thread, which alone changes [state], but for [onFrame]. Everything slow happens in an [EngineRoom] on
 * a thread of its own, the only one that meets an engine (a GPU delegate may live on no other), but for what other apps
 * can hold up: a [PictureOpener] has that.
 *
 * @param task of the screen, by which its kept pictures are known.
 */
class Session(private val parts: Parts, task: Int = -1) {
    /** What is told, on the main thread. */
    interface Listener {
        fun onState(state: SessionState)

        /** Only answers and speed changed. */
        fun onAnswers()
    }

    private val main = Handler(Looper.getMainLooper())
    private val thread = HandlerThread("engine").apply { start() }
    private val engine = Handler(thread.looper)
    private val frame = FrameConverter()  // touched by the frames' thread while idle, by the engine's while busy
    private val busy = AtomicBoolean(false)
    private val frozen = AtomicBoolean(false)
    private val room = EngineRoom(parts, task) { change -> main.post { if (!closed) change(this) } }
    private val loads = AtomicInteger()  // counts what was asked for, so that only the last of it starts
    private val forgives = AtomicBoolean(false)  // of a load that came to nothing, the next insists
    private val opener = PictureOpener(main)
    private var opening: SavedStill? = null
    private val toSleep = Runnable { sleep() }
    private var asleep = false
    private var unlisted = false  // a choice waits for the list of models
    private var closed = false

    var listener: Listener? = null

    var state = SessionState(Choice(0, storedDelegate(), parts.settings.threads))
        private set

    /** Reads the list of models and starts what was last chosen. */
    fun start() {
        val stored = parts.settings.model
        val choice = state.choice
        engine.post { room.list(stored, choice) }
    }

    /** Runs another model, or the same otherwise. [insisting]: the user picks the delegate anew, crashes or not. */
    fun choose(choice: Choice, insisting: Boolean = false) {
        parts.settings.delegate = choice.delegate.name
        parts.settings.threads = choice.threads
        // While there is no list, the model is the remembered one, and where there will never be one, nothing starts.
        val file = state.models.getOrNull(choice.model)
        if (file != null) parts.settings.model = file
        change { copy(choice = choice, trying = trying || file != null) }
        load(insisting)
    }

    /** Runs what is chosen, at once or as soon as there is a list to choose from. */
    private fun load(insisting: Boolean) {
        val choice = state.choice
        if (insisting) forgives.set(true)
        unlisted = state.modelFile == null
        val mine = loads.incrementAndGet()
        if (!unlisted) engine.post { if (loads.get() == mine) room.load(choice, forgives.getAndSet(false)) }
    }

    /** A camera frame, on the frames' thread; left out while the one before is still being worked on. */
    fun onFrame(image: Image, uprightDegrees: Int, front: Boolean) {
        if (!busy.compareAndSet(false, true)) return
        val began = System.nanoTime()
        try {
            frame.load(image, uprightDegrees)
        } catch (e: FrameException) {  // a camera that contradicts itself: the next frame may not
            busy.set(false)
            return
        } catch (e: IllegalStateException) {  // the image was closed under us
            busy.set(false)
            return
        }
        val loaded = System.nanoTime() - began
        engine.post {
            try {
                if (frozen.getAndSet(false)) {
                    room.freeze(frame, front)
                } else {
                    room.live(frame, loaded)
                }
            } finally {
                busy.set(false)
            }
        }
    }

    /** Holds the next frame. */
    fun freeze() {
        opener.cancel()
        if (state.readingPicture) change { copy(readingPicture = false) }
        frozen.set(true)
    }

    /** Holds no frame after all. */
    fun keepMoving() = frozen.set(false)

    /** Back to the camera. */
    fun resume() {
        frozen.set(false)
        opener.cancel()
        engine.post { room.resume() }
        change {
            copy(
                still = null, readingPicture = false, pictureProblem = null, noPicture = false,
                answers = emptyList(), speed = null,
            )
        }
    }

    /** Classifies a picked or shared picture. */
    fun openPicture(uri: Uri) = open(SavedStill(null, uri, false))

    /** Something was shared or picked that is no picture. */
    fun noPicture() = change { copy(noPicture = true) }

    /** How the picture that stands still or is being opened is found after the process's death; null where there is none. */
    fun saved(): SavedStill? = if (state.readingPicture) opening else state.still?.saved

    /** Brings back what the process had when it died. */
    fun restore(saved: SavedStill) {
        saved.file?.let {
            parts.kept.hold(it)
            engine.post { room.holds(it) }
        }
        open(saved)
    }

    private fun open(wanted: SavedStill) {
        opening = wanted
        change { copy(readingPicture = true, pictureProblem = null, noPicture = false) }
        opener.open({ signal -> find(wanted, signal) }) { opened ->
            when (opened) {
                is Opened.Picture -> engine.post {
                    room.still(opened.bitmap, wanted.mirrored, opened.file == null, wanted.source, opened.file)
                }
                is Opened.Problem -> change { copy(readingPicture = false, pictureProblem = opened.problem) }
                is Opened.None -> change { copy(readingPicture = false) }
            }
        }
    }

    private fun find(wanted: SavedStill, signal: CancellationSignal): Opened {
        val kept = wanted.file?.let { parts.kept.restore(it) }
        if (kept != null) return Opened.Picture(kept, wanted.file)
        return wanted.source?.let { parts.pictures.open(it, signal) } ?: Opened.None
    }

    /** Thermal status of the device, 0 to 6. */
    fun onThermal(status: Int) {
        change { copy(hot = status >= Thermal.TOO_HOT) }
        engine.post { room.thermal(status) }
    }

    /** Frees the model's memory until [wake]. */
    fun sleep() {
        if (asleep) return
        asleep = true
        loads.incrementAndGet()
        engine.post { room.sleep() }
        change { copy(trying = trying || modelFile != null, engine = null) }
    }

    /** Nobody sees the screen until [wake]; its model is freed a little later, so that a short look elsewhere costs no start. */
    fun hide() {
        room.rest()
        main.postDelayed(toSleep, SLEEP_AFTER_MS)
    }

    /** Ends [hide] and [sleep]. */
    fun wake() {
        main.removeCallbacks(toSleep)
        room.work()
        if (!asleep) return
        asleep = false
        load(false)
    }

    /** The end; nothing is told any more. [forgets]: nobody comes back to the picture that stands still. */
    fun close(forgets: Boolean) {
        closed = true
        loads.incrementAndGet()
        main.removeCallbacks(toSleep)
        opener.cancel()
        engine.post {
            room.sleep()
            if (forgets) room.forget()
        }
        thread.quitSafely()
    }

    /** On the main thread, by the room as well. */
    internal fun change(answersOnly: Boolean = false, new: SessionState.() -> SessionState) {
        state = state.new()
        if (unlisted && state.modelFile != null && !asleep) load(false)
        if (answersOnly) listener?.onAnswers() else listener?.onState(state)
    }

    private fun storedDelegate(): DelegateKind =
        DelegateKind.values().firstOrNull { it.name == parts.settings.delegate } ?: DelegateKind.CPU

    companion object {
        /** Longer than a turn of the device or a look at another app takes. */
        const val SLEEP_AFTER_MS = 10_000L
    }
}

/** Takes a frame's planes in, with their strides and the part that counts. */
fun FrameConverter.load(image: Image, uprightDegrees: Int) {
    val planes = image.planes
    if (planes.size != 3) throw FrameException("camera frame: it has ${planes.size} planes")
    val crop = image.cropRect
    load(
        planes[0].buffer, planes[1].buffer, planes[2].buffer,
        planes[0].rowStride, planes[0].pixelStride, planes[1].rowStride, planes[1].pixelStride,
        image.width, image.height, crop.left, crop.top, crop.right, crop.bottom, uprightDegrees,
    )
}
