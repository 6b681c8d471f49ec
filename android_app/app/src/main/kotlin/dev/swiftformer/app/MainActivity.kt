package dev.swiftformer.app

import android.app.Activity
import android.content.ActivityNotFoundException
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.res.Configuration
import android.media.Image
import android.os.Bundle
import android.view.KeyEvent
import dev.swiftformer.app.camera.CameraFacts
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.CameraSource
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.engine.Thermal
import dev.swiftformer.app.picture.isShare
import dev.swiftformer.app.picture.pickIntents
import dev.swiftformer.app.picture.sharedPicture
import dev.swiftformer.app.screen.MainScreen
import dev.swiftformer.app.session.SavedStill
import dev.swiftformer.app.session.Session
import dev.swiftformer.app.session.SessionState

/**
 * The camera's screen, the launcher's entry and the share target.
 *
 * It joins three parts and decides nothing itself that one of them can: [MainScreen] (what is seen), [Session] (models,
 * engines and pictures; it outlives a rotation) and the [CameraSource].
 */
class MainActivity : Activity(), CameraSource.Listener, Session.Listener, MainScreen.Actions {
    private lateinit var parts: Parts
    private lateinit var session: Session
    private lateinit var thermal: Thermal
    private lateinit var screen: MainScreen
    private lateinit var preview: CameraPreview
    private val permission = CameraPermission(this)
    private var facing = Facing.BACK
    private var running: CameraFacts? = null
    private var problem: CameraProblem? = null
    private var before: CameraProblem? = null  // of a camera that is tried again by itself: shown until that is known
    private var torch = false
    private var started = false
    private var askedNow = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        parts = (application as SwiftFormerApplication).parts
        thermal = parts.thermal()
        val kept = lastNonConfigurationInstance as? Kept
        session = kept?.session ?: Session(parts, taskId)
        torch = kept?.torch == true
        setContentView(R.layout.activity_main)
        screen = MainScreen(this, findViewById(R.id.root), this)
        preview = CameraPreview(this, screen.preview) { updateCamera() }
        if (state != null) {
            permission.restore(state)
            facing = if (state.getBoolean(FRONT)) Facing.FRONT else Facing.BACK
            askedNow = state.getBoolean(ASKED)
            if (state.getBoolean(SHEET)) screen.choices.open()
        }
        if (kept == null) {
            tellThermalStatus()
            session.start()
            val saved = state?.let { SavedStill.of(it) }
            if (saved != null) session.restore(saved) else takeShare(intent, state == null)
            parts.kept.sweep()
        }
    }

    override fun onNewIntent(fresh: Intent?) {
        super.onNewIntent(fresh)
        if (fresh != null) takeShare(fresh, true)
    }

    private fun takeShare(shared: Intent?, isFresh: Boolean) {
        if (!isFresh || shared == null || !isShare(shared)) return
        val uri = sharedPicture(shared)
        if (uri != null) session.openPicture(uri) else session.noPicture()
    }

    override fun onStart() {
        super.onStart()
        started = true
        session.listener = this
        tellThermalStatus()
        session.wake()
        preview.start()
        thermal.start { session.onThermal(it) }
        // Who shares a picture came for its name: the camera can be asked for when it is wanted.
        val wantsCamera = session.state.still == null && !session.state.readingPicture
        if (wantsCamera && permission.standing == CameraPermission.Standing.ASK && !askedNow) {
            askedNow = true
            permission.ask()
        }
        updateCamera()
        show()
    }

    /** Before anything is started: a listener tells it later, and before it listened, it heard nothing. */
    private fun tellThermalStatus() {
        thermal.status()?.let { session.onThermal(it) }
    }

    override fun onResume() {
        super.onResume()
        if (problem != null) retryCamera()
    }

    override fun onStop() {
        super.onStop()
        started = false
        if (!isChangingConfigurations) torch = false
        session.listener = null
        if (!isChangingConfigurations) session.hide()  // a turn hides nothing
        thermal.stop()
        preview.stop()
        updateCamera()
    }

    override fun onDestroy() {
        super.onDestroy()
        if (!isChangingConfigurations) session.close(forgets = isFinishing)
    }

    @Suppress("OVERRIDE_DEPRECATION")
    override fun onRetainNonConfigurationInstance(): Any = Kept(session, torch)

    /** What outlives a rotation, and not the process. */
    private class Kept(val session: Session, val torch: Boolean)

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        permission.save(state)
        state.putBoolean(FRONT, facing == Facing.FRONT)
        state.putBoolean(ASKED, askedNow)
        state.putBoolean(SHEET, screen.choices.isOpen)
        session.saved()?.save(state)
    }

    override fun onTrimMemory(level: Int) {
        super.onTrimMemory(level)
        // In the background the model would only keep memory from others; it is back within a moment.
        if (!started && level >= ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN) session.sleep()
    }

    override fun onKeyUp(code: Int, event: KeyEvent?): Boolean = when {
        code == KeyEvent.KEYCODE_CAMERA -> true.also { onFreeze() }
        else -> super.onKeyUp(code, event)
    }

    @Suppress("OVERRIDE_DEPRECATION")
    override fun onBackPressed() = when {
        screen.choices.isOpen -> screen.choices.close()
        session.state.still != null && !isShare(intent) -> session.resume()
        else -> @Suppress("DEPRECATION") super.onBackPressed()
    }

    // The camera

    private fun cameraWanted(): CameraFacts? {
        if (!started || session.state.still != null || permission.standing != CameraPermission.Standing.GRANTED) return null
        val cameras = parts.camera.cameras()
        return cameras.firstOrNull { it.facing == facing } ?: cameras.firstOrNull()
    }

    private fun updateCamera() {
        val wanted = cameraWanted()
        val surface = preview.surface
        if (wanted == null || surface == null) {
            if (running != null || problem != null) parts.camera.stop(this)
            running = null
            problem = null
            before = null
            session.keepMoving()
        } else if (running?.id != wanted.id && problem == null) {
            running = wanted
            preview.show(wanted)
            parts.camera.start(wanted, surface, this)
        }
        if (started) show()
    }

    private fun retryCamera(byItself: Boolean = false) {
        if (cameraWanted() == null || preview.surface == null) return updateCamera()
        before = if (byItself) problem else null
        problem = null
        running = null
        updateCamera()
    }

    override fun onCameraStarted(camera: CameraFacts) {
        problem = null
        before = null
        if (torch) parts.camera.setTorch(true, this)
        show()
    }

    override fun onCameraProblem(problem: CameraProblem) {
        running = null
        torch = false
        before = null
        this.problem = problem
        session.keepMoving()
        show()
    }

    override fun onCameraFree() {
        if (started && problem != null) retryCamera(byItself = true)
    }

    override fun onFrame(image: Image, camera: CameraFacts) =
        session.onFrame(image, camera.uprightDegrees(preview.displayDegrees), camera.facing == Facing.FRONT)

    override fun onRequestPermissionsResult(request: Int, permissions: Array<out String>, results: IntArray) {
        if (permission.onAnswer(request, results)) updateCamera()
    }

    // What the user does

    override fun onAllowCamera() = permission.ask()

    override fun onOpenSettings() {
        leave(permission.settings())
    }

    override fun onRetryCamera() = retryCamera()

    /** Without a camera no frame comes, and the wish would hold the first that comes at some time. */
    override fun onFreeze() = when {
        session.state.still != null -> session.resume()
        running != null -> session.freeze()
        else -> Unit
    }

    override fun onPick() {
        for (wish in pickIntents()) if (leave(wish, PICK)) return
        screen.say(getString(R.string.no_picker))
    }

    override fun onFlip() {
        facing = if (facing == Facing.BACK) Facing.FRONT else Facing.BACK
        torch = false
        retryCamera()
    }

    override fun onTorch() {
        torch = !torch
        parts.camera.setTorch(torch, this)
        show()
    }

    override fun onModel(index: Int) = session.choose(session.state.choice.copy(model = index))

    override fun onDelegate(id: Int) {
        val delegate = screen.delegateOf(id)
        val state = session.state
        val asWished = state.engine?.choice?.kind == delegate && state.fallbacks.isEmpty()
        if (state.choice.delegate == delegate && asWished) return
        session.choose(state.choice.copy(delegate = delegate), true)
    }

    override fun onThreads(threads: Int) = session.choose(session.state.choice.copy(threads = threads))

    override fun onAbout() {
        val file = session.state.modelFile ?: return
        leave(Intent(this, AboutModelActivity::class.java).putExtra(AboutModelActivity.FILE, file))
    }

    @Suppress("DEPRECATION")  // the newer way is not part of the framework
    private fun leave(wish: Intent, request: Int = NO_RESULT): Boolean = try {
        if (request == NO_RESULT) startActivity(wish) else startActivityForResult(wish, request)
        true
    } catch (e: ActivityNotFoundException) {
        false
    } catch (e: SecurityException) {
        false
    }

    @Suppress("OVERRIDE_DEPRECATION")
    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        if (request != PICK || result != RESULT_OK) return
        val uri = data?.data
        if (uri != null) session.openPicture(uri) else session.noPicture()
    }

    // What the session tells

    override fun onState(state: SessionState) {
        updateCamera()
    }

    override fun onAnswers() = screen.showAnswers(session.state)

    private fun show() = screen.show(session.state, cameraState())

    private fun cameraState() = MainScreen.CameraState(
        standing = permission.standing,
        running = running.takeIf { before == null },
        problem = problem ?: before,
        none = permission.standing == CameraPermission.Standing.GRANTED && parts.camera.cameras().isEmpty(),
        twoFacings = parts.camera.cameras().size > 1,
        facing = facing,
        torch = torch,
        preview = preview,
    )

    override fun onConfigurationChanged(fresh: Configuration) {
        super.onConfigurationChanged(fresh)
        show()
    }

    private companion object {
        const val PICK = 2
        const val NO_RESULT = -1
        const val FRONT = "front camera"
        const val ASKED = "asked for the camera"
        const val SHEET = "choices open"
    }
}
