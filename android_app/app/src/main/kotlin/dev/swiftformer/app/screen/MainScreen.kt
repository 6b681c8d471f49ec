package dev.swiftformer.app.screen

import android.app.Activity
import android.graphics.RectF
import android.text.TextUtils
import android.view.TextureView
import android.view.View
import android.view.ViewGroup
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.TextView
import android.widget.Toast
import dev.swiftformer.app.CameraPermission
import dev.swiftformer.app.CameraPreview
import dev.swiftformer.app.R
import dev.swiftformer.app.camera.CameraFacts
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.camera.turned
import dev.swiftformer.app.engine.Processor
import dev.swiftformer.app.session.SessionState
import dev.swiftformer.app.session.Speed
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.PreprocessingException
import java.util.Locale
import kotlin.math.min

/** Shows a state in the main screen's views, and passes on what is tapped. It keeps nothing that the state has. */
class MainScreen(private val activity: Activity, root: View, private val actions: Actions) {
    /** What the user does. */
    interface Actions : ChoicesSheet.Chosen {
        fun onAllowCamera()

        fun onOpenSettings()

        fun onRetryCamera()

        fun onFreeze()

        fun onPick()

        fun onFlip()

        fun onTorch()
    }

    /** How the camera stands. @property none the device has none. */
    class CameraState(
        val standing: CameraPermission.Standing,
        val running: CameraFacts?,
        val problem: CameraProblem?,
        val none: Boolean,
        val twoFacings: Boolean,
        val facing: Facing,
        val torch: Boolean,
        val preview: CameraPreview,
    )

    val preview: TextureView = root.findViewById(R.id.preview)
    val choices = ChoicesSheet(root, actions)
    private val words = Wording(activity.resources)
    private val locale: Locale = activity.resources.configuration.locales[0]
    private val notice = Notice(root)
    private val rows = ResultRows(root.findViewById<ViewGroup>(R.id.rows), root.findViewById<TextView>(R.id.spoken))
    private val still = root.findViewById<ImageView>(R.id.still)
    private val cover = root.findViewById<View>(R.id.cover)
    private val finder = root.findViewById<ViewFinderView>(R.id.finder)
    private val warning = root.findViewById<TextView>(R.id.warning)
    private val speed = root.findViewById<TextView>(R.id.speed)
    private val runsOn = root.findViewById<TextView>(R.id.runs_on)
    private val chip = root.findViewById<TextView>(R.id.model_chip)
    private val torch = root.findViewById<ImageButton>(R.id.torch)
    private val flip = root.findViewById<ImageButton>(R.id.flip)
    private val freeze = root.findViewById<ImageButton>(R.id.freeze)
    private val delegates = mapOf(
        DelegateKind.CPU to R.id.delegate_cpu,
        DelegateKind.GPU to R.id.delegate_gpu,
        DelegateKind.NNAPI to R.id.delegate_nnapi,
    )
    private var watching = false  // there is a picture, so that answers have something to be about
    private var refitFinder: () -> Unit = {}

    init {
        drawUnderSystemBars(activity.window)
        val controls = root.findViewById<View>(R.id.controls)
        val panel = root.findViewById<View>(R.id.panel)
        val results = root.findViewById<View>(R.id.results)
        val space = activity.resources.getDimensionPixelSize(R.dimen.space)
        val beside = activity.resources.getBoolean(R.bool.panel_beside)
        onSystemBars(root) { bars ->
            controls.setPadding(bars.left, bars.top, if (beside) 0 else bars.right, if (beside) bars.bottom else 0)
            panel.setPadding(if (beside) 0 else bars.left, if (beside) bars.top else 0, bars.right, 0)
            results.setPadding(0, space, 0, space + bars.bottom)
            choices.fit(bars, activity.resources.configuration)
        }
        root.findViewById<View>(R.id.pick).setOnClickListener { actions.onPick() }
        root.findViewById<View>(R.id.tune).setOnClickListener { choices.open() }
        freeze.setOnClickListener { actions.onFreeze() }
        flip.setOnClickListener { actions.onFlip() }
        torch.setOnClickListener { actions.onTorch() }
        finder.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> refitFinder() }
    }

    fun delegateOf(id: Int): DelegateKind = delegates.entries.first { it.value == id }.key

    /** A short message that goes by itself. */
    fun say(text: String) = Toast.makeText(activity, text, Toast.LENGTH_LONG).show()

    fun show(state: SessionState, camera: CameraState) {
        showPicture(state, camera)
        showButtons(state, camera)
        showNotice(state, camera)
        showWarning(state)
        showChoices(state)
        watching = state.still != null || (camera.running != null && camera.problem == null)
        showAnswers(state)
        refitFinder = { fitFinder(state, camera) }
        refitFinder()
    }

    fun showAnswers(state: SessionState) {
        rows.show(if (watching) state.answers else emptyList())
        change(speed, state.speed?.takeIf { watching }?.let { speedText(it, state.still == null) }.orEmpty())
        speed.visibility = if (speed.text.isEmpty()) View.GONE else View.VISIBLE
    }

    private fun speedText(speed: Speed, live: Boolean): String {
        fun one(value: Double) = String.format(locale, "%.1f", value)
        val times = arrayOf(one(speed.pictureMs), one(speed.modelMs), one(speed.afterMs))
        return if (live) activity.getString(R.string.speed_live, one(speed.framesPerSecond), *times)
        else activity.getString(R.string.speed_still, *times)
    }

    private fun showPicture(state: SessionState, camera: CameraState) {
        val shown = state.still
        still.visibility = if (shown == null) View.GONE else View.VISIBLE
        still.setImageBitmap(shown?.bitmap)
        still.scaleX = if (shown?.mirrored == true) -1f else 1f
        cover.visibility = if (camera.running != null && camera.problem == null) View.GONE else View.VISIBLE
    }

    private fun showButtons(state: SessionState, camera: CameraState) {
        val live = state.still == null && camera.running != null
        val held = state.still != null
        torch.visibility = if (live && camera.running?.hasTorch == true) View.VISIBLE else View.GONE
        torch.setImageResource(if (camera.torch) R.drawable.ic_torch_on else R.drawable.ic_torch_off)
        torch.contentDescription = activity.getString(if (camera.torch) R.string.torch_off else R.string.torch_on)
        flip.visibility = if (live && camera.twoFacings) View.VISIBLE else View.GONE
        flip.contentDescription =
            activity.getString(if (camera.facing == Facing.BACK) R.string.flip_to_front else R.string.flip_to_back)
        freeze.visibility = if (live || held) View.VISIBLE else View.INVISIBLE
        freeze.setImageResource(if (held) R.drawable.ic_play else R.drawable.ic_pause)
        freeze.contentDescription = activity.getString(if (held) R.string.resume else R.string.freeze)
        val name = state.model?.card?.let { it.name + " · " + it.precision }
        chip.visibility = if (TextUtils.isEmpty(name)) View.GONE else View.VISIBLE
        change(chip, name.orEmpty())
    }

    private fun showNotice(state: SessionState, camera: CameraState) {
        val text = activity.resources
        when {
            state.readingPicture -> notice.show(text.getString(R.string.reading_picture))
            state.still != null -> notice.hide()
            camera.standing == CameraPermission.Standing.ASK ->
                notice.show(text.getString(R.string.camera_needed), R.string.allow_camera) { actions.onAllowCamera() }
            camera.standing == CameraPermission.Standing.FORBIDDEN ->
                notice.show(text.getString(R.string.camera_forbidden), R.string.open_settings) { actions.onOpenSettings() }
            camera.none -> notice.show(text.getString(R.string.camera_none))
            camera.problem != null -> showCameraProblem(camera.problem)
            else -> notice.hide()
        }
    }

    private fun showCameraProblem(problem: CameraProblem) {
        val text = activity.getString(
            when (problem) {
                CameraProblem.IN_USE -> R.string.camera_in_use
                CameraProblem.TAKEN -> R.string.camera_taken
                CameraProblem.DISABLED -> R.string.camera_disabled
                CameraProblem.DENIED -> R.string.camera_forbidden
                CameraProblem.FAILED -> R.string.camera_failed
            },
        )
        notice.show(text, R.string.try_again) { actions.onRetryCamera() }
    }

    private fun showWarning(state: SessionState) {
        val lines = listOfNotNull(
            state.problem?.let { words.problem(it) },
            state.pictureProblem?.let { words.picture(it) },
            if (state.noPicture) activity.getString(R.string.share_no_picture) else null,
            if (state.hot) activity.getString(R.string.hot_warning) else null,
        )
        change(warning, lines.joinToString("\n"))
        warning.visibility = if (lines.isEmpty()) View.GONE else View.VISIBLE
    }

    private fun showChoices(state: SessionState) {
        val engine = state.engine
        val running = when {
            engine != null -> words.runsOn(engine, state.fallbacks)
            state.trying && state.modelFile != null ->
                activity.getString(R.string.trying, words.name(state.choice.delegate))
            state.trying -> activity.getString(R.string.starting)
            else -> ""
        }
        change(runsOn, running)
        choices.showRunsOn(running)
        choices.showModels(state.models, state.choice.model)
        choices.showDelegate(delegates.getValue(state.choice.delegate))
        choices.showThreads(state.choice.threads, Processor.mostThreads())
    }

    /** Frames what the model sees, of the camera's picture or of a still one. */
    private fun fitFinder(state: SessionState, camera: CameraState) {
        val held = state.still
        val running = camera.running
        val width: Int
        val height: Int
        if (held != null) {
            width = held.bitmap.width
            height = held.bitmap.height
        } else if (running != null && camera.problem == null) {
            val frame = running.frameSize.turned(running.uprightDegrees(camera.preview.displayDegrees))
            width = frame.width
            height = frame.height
        } else {
            return finder.show(null)
        }
        val wanted = state.model?.preprocessing ?: return finder.show(null)
        val plan = try {
            wanted.plan(width, height)
        } catch (e: PreprocessingException) {
            return finder.show(null)
        }
        val shareX = wanted.width.toFloat() / plan.scaledWidth
        val shareY = wanted.height.toFloat() / plan.scaledHeight
        finder.show(if (held != null) seenOfStill(width, height, shareX, shareY) else camera.preview.seen(shareX, shareY))
    }

    private fun seenOfStill(width: Int, height: Int, shareX: Float, shareY: Float): RectF? {
        if (finder.width == 0 || finder.height == 0) return null
        val scale = min(finder.width.toFloat() / width, finder.height.toFloat() / height)
        val halfWidth = width * scale * shareX / 2
        val halfHeight = height * scale * shareY / 2
        val x = finder.width / 2f
        val y = finder.height / 2f
        return RectF(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight)
    }
}
