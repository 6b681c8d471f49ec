package dev.swiftformer.app.session

import android.graphics.Bitmap
import android.media.Image
import android.net.Uri
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import dev.swiftformer.app.Parts
import dev.swiftformer.app.engine.Thermal
import dev.swiftformer.app.picture.Opened
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.FrameConverter
import dev.swiftformer.core.FrameException
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/**
 * From pictures to answers: holds the model that runs and the picture that stands still, and outlives a rotation.
 *
 * Used on the main thread, which alone changes [state], but for [onFrame]. Everything slow happens in an [EngineRoom] on
 * a thread of its own, the only one that meets an engine: a GPU delegate may live on no other.
 */
class Session(private val parts: Parts) {
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
    private val room = EngineRoom(parts) { change -> main.post { if (!closed) change(this) } }
    private val loads = AtomicInteger()  // counts what was asked for, so that only the last of it starts
    private val forgives = AtomicBoolean(false)  // of a load that came to nothing, the next insists
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
                    parts.pictures.owner = this
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
    fun freeze() = frozen.set(true)

    /** Holds no frame after all. */
    fun keepMoving() = frozen.set(false)

    /** Back to the camera. */
    fun resume() {
        frozen.set(false)
        engine.post { room.resume() }
        change { copy(still = null, pictureProblem = null, noPicture = false, answers = emptyList(), speed = null) }
    }

    /** Classifies a picked or shared picture. */
    fun openPicture(uri: Uri) {
        change { copy(readingPicture = true, pictureProblem = null, noPicture = false) }
        engine.post {
            when (val opened = parts.pictures.open(uri)) {
                is Opened.Picture -> {
                    parts.pictures.owner = this
                    room.still(opened.bitmap, false, true)
                }
                is Opened.Problem -> room.tell { copy(readingPicture = false, pictureProblem = opened.problem) }
            }
        }
    }

    /** Something was shared or picked that is no picture. */
    fun noPicture() = change { copy(noPicture = true) }

    /** Brings the still picture back that the process had when it died. */
    fun restoreStill() {
        change { copy(readingPicture = true) }
        engine.post {
            parts.pictures.owner = this
            val bitmap: Bitmap? = parts.pictures.restore()
            if (bitmap == null) room.tell { copy(readingPicture = false) } else room.still(bitmap, false, false)
        }
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

    /** Nobody sees answers until [wake]. */
    fun rest() = room.rest()

    /** Ends [rest] and [sleep]. */
    fun wake() {
        room.work()
        if (!asleep) return
        asleep = false
        load(false)
    }

    /** The end; nothing is told any more. [forgets]: nobody comes back to the picture that stands still. */
    fun close(forgets: Boolean) {
        closed = true
        loads.incrementAndGet()
        engine.post {
            room.sleep()
            if (parts.pictures.owner === this) {
                parts.pictures.owner = null
                if (forgets) parts.pictures.forget()
            }
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
