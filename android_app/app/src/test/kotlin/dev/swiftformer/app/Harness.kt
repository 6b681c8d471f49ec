package dev.swiftformer.app

import android.Manifest
import android.content.Intent
import android.graphics.SurfaceTexture
import android.os.Looper
import android.view.TextureView
import android.view.View
import android.widget.TextView
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.screen.Wording
import dev.swiftformer.app.session.Session
import dev.swiftformer.core.DelegateKind
import org.junit.Assert.fail
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.util.ReflectionHelpers
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean

val app: TestApplication get() = RuntimeEnvironment.getApplication() as TestApplication
val fakes: FakeParts get() = app.fakes

fun grantCamera() = shadowOf(app).grantPermissions(Manifest.permission.CAMERA)

/** The main screen, started, with a surface to draw on. */
fun launch(intent: Intent? = null): ActivityController<MainActivity> {
    uncaught.clear()
    Thread.setDefaultUncaughtExceptionHandler { _, error -> uncaught.add(error) }
    val controller = if (intent == null) Robolectric.buildActivity(MainActivity::class.java) else
        Robolectric.buildActivity(MainActivity::class.java, intent)
    controller.setup()
    giveSurface(controller.get())
    return controller
}

fun giveSurface(activity: MainActivity) {
    val view = activity.findViewById<TextureView>(R.id.preview)
    view.surfaceTextureListener!!.onSurfaceTextureAvailable(SurfaceTexture(1), view.width, view.height)
    idle()
}

fun idle() = shadowOf(Looper.getMainLooper()).idle()

/** What threads of the app died of; the system would have ended the process. */
val uncaught = CopyOnWriteArrayList<Throwable>()

/** Lets the app work until [condition] holds. Robolectric's clock stands still but for what is idled here. */
fun until(what: String, condition: () -> Boolean) {
    for (attempt in 1..MOST_ATTEMPTS) {
        shadowOf(Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS)
        if (condition()) return
        uncaught.firstOrNull()?.let { throw AssertionError("waited for $what, and a thread died", it) }
        Thread.sleep(5)
    }
    fail("waited for: $what")
}

private const val MOST_ATTEMPTS = 2000

fun MainActivity.words(id: Int): String = findViewById<TextView>(id).text.toString()

fun MainActivity.isShown(id: Int): Boolean = findViewById<View>(id).isShown

fun MainActivity.tap(id: Int) {
    findViewById<View>(id).performClick()
    idle()
}

fun MainActivity.row(index: Int): View = findViewById<android.view.ViewGroup>(R.id.rows).getChildAt(index)

fun View.words(id: Int): String = findViewById<TextView>(id).text.toString()

/** Sends camera frames until the first row shows an answer. */
fun MainActivity.seeFrames(front: Boolean = false) {
    val camera = FakeCamera.facts(if (front) Facing.FRONT else Facing.BACK, true)
    until("an answer") {
        FakeImage(640, 480).use { onFrame(it, camera) }
        row(0).isShown
    }
}

/** The chosen count of threads, in words. */
fun MainActivity.threads(): String = fakes.settings.threads.let { resources.getQuantityString(R.plurals.threads, it, it) }

/** Taps the shutter and sends frames until one stands still. */
fun MainActivity.freeze(facing: Facing = Facing.BACK) {
    tap(R.id.freeze)
    until("a frozen frame") {
        FakeImage(640, 480).use { onFrame(it, FakeCamera.facts(facing, true)) }
        isShown(R.id.still)
    }
}

/** Waits until no frame is being worked on and all that was said of the last one is shown. */
fun MainActivity.rest() {
    val session = ReflectionHelpers.getField<Session>(this, "session")
    until("no frame in work") { !ReflectionHelpers.getField<AtomicBoolean>(session, "busy").get() }
    idle()
}

/** Waits until a model runs, or cannot. */
fun MainActivity.settle() = until("a model that runs") {
    val trying = DelegateKind.values().map { getString(R.string.trying, Wording(resources).name(it)) }
    val words = words(R.id.runs_on)
    isShown(R.id.warning) || (words.isNotEmpty() && words != getString(R.string.starting) && words !in trying)
}
