package dev.swiftformer.app

import android.Manifest
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.view.KeyEvent
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.core.DelegateChooser
import dev.swiftformer.core.Json
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

    private val kept get() = File(app.cacheDir, "still.png")

    private fun share(bytes: ByteArray): ActivityController<MainActivity> {
        val picture = Uri.parse("content://stranger/picture")
        shadowOf(app.contentResolver).registerInputStreamSupplier(picture) { bytes.inputStream() }
        return launch(Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, picture))
    }

    private fun leave(controller: ActivityController<MainActivity>) {
        controller.get().finish()
        controller.pause().stop().destroy()
    }

    @Test
    fun aSharedPictureIsForgottenWhenItsScreenIsLeft() {
        val controller = share(photoAsPng())
        controller.get().settle()
        until("the picture is kept") { kept.isFile }
        leave(controller)
        until("it is gone") { !kept.exists() }
    }

    @Test
    fun aScreenThatIsLeftForgetsNoPictureOfAnother() {
        grantCamera()
        val first = launch()
        first.get().settle()
        first.get().freeze()
        until("the frame is kept") { kept.isFile }
        val nothing = share("no picture".toByteArray())
        nothing.get().settle()
        leave(nothing)
        until("its engine is closed") { fakes.lab.open == 1 }
        assertNotNull(fakes.pictures.restore())
        val second = share(photoAsPng())
        second.get().settle()
        until("the picture") { second.get().isShown(R.id.still) && second.get().row(0).isShown }
        leave(first)
        until("the first one's engine is closed") { fakes.lab.open == 1 }
        assertNotNull(fakes.pictures.restore())
        leave(second)
        until("it is gone") { !kept.exists() }
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
    fun theProcessMayDieAndTheFrozenFrameIsThereAgain() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.get().freeze()
        until("the kept picture") { fakes.pictures.restore() != null }
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
        val again = Robolectric.buildActivity(MainActivity::class.java).setup(saved).get()
        until("the picture again") { again.isShown(R.id.still) && again.row(0).isShown }
        assertNull(fakes.fakeCamera.started)
    }

    @Test
    fun memoryIsFreedInTheBackgroundAndTheModelIsBackAfterwards() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.pause().stop()
        controller.get().onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_BACKGROUND)
        until("the engine is closed") { fakes.lab.open == 0 }
        controller.start().resume()
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
        controller.start().resume()
        activity.seeFrames()
        activity.rest()
        assertEquals(1, underWay().size)
        controller.pause().stop()
        activity.onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN)
        until("the engine is closed") { fakes.lab.open == 0 && underWay().isEmpty() }
    }

    @Test
    fun theEndClosesTheEngine() {
        val controller = launch()
        controller.get().settle()
        controller.pause().stop().destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
    }
}
