package dev.swiftformer.app

import android.Manifest
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.graphics.drawable.BitmapDrawable
import android.net.Uri
import android.os.Bundle
import android.os.Looper
import android.view.KeyEvent
import android.view.View
import android.widget.ImageView
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.core.DelegateChooser
import dev.swiftformer.core.Json
import dev.swiftformer.app.picture.PictureOpener
import dev.swiftformer.app.session.Session
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

/** What stays through a rotation, a process death and little memory, and what is given back. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class LifecycleTest {
    @Test
    fun freezeHoldsAFrameAndReleasesTheCamera() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.seeFrames()
        activity.freeze()
        assertTrue(activity.isShown(R.id.still))
        assertNull(fakes.fakeCamera.started)
        until("the frozen answer") { activity.row(0).isShown }
        assertTrue(activity.words(R.id.speed).startsWith("Picture"))
        activity.tap(R.id.freeze)
        assertFalse(activity.isShown(R.id.still))
        assertFalse("the answer is of a picture that is gone", activity.row(0).isShown)
        assertNotNull(fakes.fakeCamera.started)
    }

    @Test
    fun theCamerasKeyHoldsAFrameAndReleasesItAndNothingWithoutACamera() {
        val activity = launch().get()
        activity.settle()
        activity.onKeyUp(KeyEvent.KEYCODE_CAMERA, null)
        grantCamera()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        activity.seeFrames()
        activity.rest()
        assertFalse(activity.isShown(R.id.still))
        activity.onKeyUp(KeyEvent.KEYCODE_CAMERA, null)
        until("a frozen frame") {
            FakeImage(640, 480).use { activity.onFrame(it, FakeCamera.facts(Facing.BACK, true)) }
            activity.isShown(R.id.still)
        }
        activity.onKeyUp(KeyEvent.KEYCODE_CAMERA, null)
        assertFalse(activity.isShown(R.id.still))
    }

    @Test
    fun aWishForTheNextFrameEndsWithTheCamera() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.freeze)
        activity.onCameraProblem(CameraProblem.FAILED)
        activity.tap(R.id.notice_action)
        activity.seeFrames()
        activity.rest()
        assertFalse(activity.isShown(R.id.still))
    }

    /** The files of pictures that are kept. */
    private val kept: List<File> get() = app.cacheDir.listFiles().orEmpty().filter { it.name.startsWith("still") && it.name.endsWith(".png") }

    private val picture = Uri.parse("content://stranger/picture")

    private fun provide(supply: () -> InputStream) = shadowOf(app.contentResolver).registerInputStreamSupplier(picture) { supply() }

    private val shared get() = Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, picture)

    private fun share(bytes: ByteArray): ActivityController<MainActivity> {
        provide { bytes.inputStream() }
        return launch(shared)
    }

    private fun pick(activity: MainActivity) {
        activity.tap(R.id.pick)
        shadowOf(activity).receiveResult(
            shadowOf(activity).nextStartedActivityForResult.intent, android.app.Activity.RESULT_OK, Intent().setData(picture),
        )
    }

    private fun MainActivity.still(): Bitmap? = (findViewById<ImageView>(R.id.still).drawable as? BitmapDrawable)?.bitmap

    /** The process ends behind the screen; what was saved is in the bundle. */
    private fun die(controller: ActivityController<MainActivity>): Bundle {
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
        return saved
    }

    private fun revive(saved: Bundle, intent: Intent = Intent()): ActivityController<MainActivity> =
        Robolectric.buildActivity(MainActivity::class.java, intent).setup(saved).also { giveSurface(it.get()) }

    private fun leave(controller: ActivityController<MainActivity>) {
        controller.get().finish()
        controller.pause().stop().destroy()
    }

    @Test
    fun aSharedPictureIsForgottenWhenItsScreenIsLeft() {
        val controller = share(photoAsPng())
        controller.get().settle()
        until("the picture is kept") { kept.size == 1 }
        leave(controller)
        until("it is gone") { kept.isEmpty() }
    }

    @Test
    fun screensForgetNoPictureOfOneAnother() {
        grantCamera()
        val first = launch()
        first.get().settle()
        first.get().freeze()
        until("the frame is kept") { kept.size == 1 }
        val second = share(photoAsPng())
        second.get().settle()
        until("both are kept") { second.get().isShown(R.id.still) && second.get().row(0).isShown && kept.size == 2 }
        second.get().tap(R.id.freeze)
        until("the second is forgotten") { kept.size == 1 }
        leave(second)
        until("its engine is closed") { fakes.lab.open == 1 }
        val again = revive(die(first)).get()
        until("the first one's is there") { again.still()?.width == 480 }
        assertNull(fakes.fakeCamera.started)
    }

    @Test
    fun rotationKeepsTheEngineAndTheFrozenFrame() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.get().freeze()
        val before = fakes.lab.made.size
        RuntimeEnvironment.setQualifiers("+land")
        controller.recreate()
        val after = controller.get()
        idle()
        assertTrue(after.isShown(R.id.still))
        assertEquals(before, fakes.lab.made.size)
        assertEquals(1, fakes.lab.open)
    }

    @Test
    fun theProcessMayDieAndTheFrozenFrameIsThereAgainMirroredAsItWas() {
        grantCamera()
        for (facing in Facing.values()) {
            val controller = launch()
            controller.get().settle()
            controller.get().freeze(facing)
            until("the kept picture") { kept.size == 1 }
            val revived = revive(die(controller))
            val again = revived.get()
            until("the picture again") { again.isShown(R.id.still) && again.row(0).isShown }
            assertNull(fakes.fakeCamera.started)
            assertEquals("$facing", if (facing == Facing.FRONT) -1f else 1f, again.findViewById<View>(R.id.still).scaleX)
            again.tap(R.id.freeze)
            until("it is forgotten") { kept.isEmpty() }
            die(revived)
        }
    }

    /** One picture stands still, another is picked, and the process ends before that is written. */
    @Test
    fun aPictureComesNeverBackInAnothersPlace() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.get().freeze()
        until("the frame is kept") { kept.size == 1 }
        val frame = kept.single()
        provide { photoAsPng().inputStream() }
        pick(controller.get())
        until("the picked one is kept") { controller.get().still()?.width == photo().width && kept.size == 1 && kept.single() != frame }
        val saved = die(controller)
        kept.single().delete()
        val again = revive(saved).get()
        until("the picked one, from where it came") { again.still()?.width == photo().width }
        val nowhere = revive(Bundle(saved).apply { remove("still from") }).get()
        until("the camera") { !nowhere.isShown(R.id.notice) && fakes.fakeCamera.started != null }
        assertFalse(nowhere.isShown(R.id.still))
    }

    @Test
    fun aShareThatWasStillBeingOpenedIsOpenedAnewAndOneThatWasLeftIsNot() {
        grantCamera()
        val never = CountDownLatch(1)
        provide { never.await(); ByteArray(0).inputStream() }
        val controller = launch(shared)
        controller.get().settle()
        assertTrue(controller.get().isShown(R.id.notice))
        val saved = die(controller)
        provide { photoAsPng().inputStream() }
        val again = revive(saved, shared)
        until("the picture") { again.get().isShown(R.id.still) && again.get().row(0).isShown }
        again.get().tap(R.id.freeze)
        val third = revive(die(again), shared).get()
        third.settle()
        assertFalse(third.isShown(R.id.still))
        assertNotNull(fakes.fakeCamera.started)
        never.countDown()
    }

    @Test
    fun aPictureThatDoesNotComeHoldsNothingUpAndIsGivenUpAtLast() {
        grantCamera()
        val latch = CountDownLatch(1)
        provide { latch.await(); photoAsPng().inputStream() }
        val controller = launch(shared)
        val activity = controller.get()
        activity.settle()
        activity.seeFrames()
        assertEquals(activity.getString(R.string.reading_picture), activity.words(R.id.notice_text))
        shadowOf(Looper.getMainLooper()).idleFor(PictureOpener.LIMIT_MS, TimeUnit.MILLISECONDS)
        assertEquals(activity.getString(R.string.picture_too_slow), activity.words(R.id.warning))
        assertFalse(activity.isShown(R.id.notice))
        latch.countDown()
        until("it came after all") { Thread.getAllStackTraces().keys.none { it.name == "picture" } }
        activity.rest()
        assertFalse(activity.isShown(R.id.still))
    }

    @Test
    fun aScreenThatIsLeftWhileItsPictureDoesNotComeLeavesNothingBehind() {
        val latch = CountDownLatch(1)
        provide { latch.await(); photoAsPng().inputStream() }
        val controller = launch(shared)
        controller.get().settle()
        leave(controller)
        until("the engine is closed") { fakes.lab.open == 0 }
        latch.countDown()
        assertEquals(emptyList<File>(), kept)
    }

    @Test
    fun memoryIsFreedInTheBackgroundAndTheModelIsBackAfterwards() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.pause().stop()
        controller.get().onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_BACKGROUND)
        until("the engine is closed") { fakes.lab.open == 0 }
        controller.restart().resume()
        controller.get().settle()
        assertEquals(1, fakes.lab.open)
    }

    /** In the background the system may end the process, and nobody is to blame. */
    @Test
    fun aProcessThatEndsInTheBackgroundIsNoCrashOfItsDelegate() {
        grantCamera()
        fun underWay() = (Json.parse(fakes.attempts.text) as Map<*, *>)["pending"] as List<*>
        val controller = launch()
        val activity = controller.get()
        activity.settle()
        repeat(DelegateChooser.CONFIRMING_RUNS + 1) {
            activity.seeFrames()
            activity.rest()
        }
        assertEquals(1, underWay().size)
        controller.pause().stop()
        assertEquals(0, underWay().size)
        controller.restart().resume()
        activity.seeFrames()
        activity.rest()
        assertEquals(1, underWay().size)
        controller.pause().stop()
        activity.onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN)
        until("the engine is closed") { fakes.lab.open == 0 && underWay().isEmpty() }
    }

    /** A share that is opened over this screen hides it, and the app as a whole stays in front. */
    @Test
    fun anEngineBehindAnotherScreenIsFreedAfterAWhile() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        val made = fakes.lab.made.size
        controller.pause().stop()
        shadowOf(Looper.getMainLooper()).idleFor(Session.SLEEP_AFTER_MS - 1000, TimeUnit.MILLISECONDS)
        controller.restart().resume()
        shadowOf(Looper.getMainLooper()).idleFor(Session.SLEEP_AFTER_MS, TimeUnit.MILLISECONDS)
        controller.get().seeFrames()
        assertEquals(made, fakes.lab.made.size)
        controller.pause().stop()
        shadowOf(Looper.getMainLooper()).idleFor(Session.SLEEP_AFTER_MS, TimeUnit.MILLISECONDS)
        until("the engine is closed") { fakes.lab.open == 0 }
        controller.restart().resume()
        controller.get().settle()
        assertEquals(1, fakes.lab.open)
    }

    @Test
    fun theEndClosesTheEngine() {
        val controller = launch()
        controller.get().settle()
        controller.pause().stop().destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
    }
}
