package dev.swiftformer.app

import android.content.ComponentCallbacks2
import android.graphics.Rect
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CaptureRequest
import android.os.Build
import android.os.Bundle
import android.os.PowerManager
import android.view.View
import dev.swiftformer.app.camera.Camera2Source
import dev.swiftformer.core.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
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
import java.security.MessageDigest
import java.util.concurrent.TimeUnit

/** The real camera code and the real screen with a simulated camera service: from opening to the answers, and back. */
@RunWith(RobolectricTestRunner::class)
@Config(
    sdk = [26, 28, 35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi",
    shadows = [SimulatedManager::class, SimulatedRequest::class, SimulatedReader::class],
)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class CameraSessionTest {
    @Before
    fun plugIn() {
        SimulatedService.reset()
        SimulatedService.addCameras()
        fakes.device = Camera2Source(app)
    }

    private fun running(): ActivityController<MainActivity> {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        until("a request") { SimulatedService.requests.isNotEmpty() && controller.get().isShown(R.id.torch) }
        return controller
    }

    private fun notice(activity: MainActivity, words: Int) =
        until("the notice " + activity.getString(words)) { activity.words(R.id.notice_text) == activity.getString(words) && activity.isShown(R.id.notice) }

    private fun answer(activity: MainActivity) = until("an answer") {
        SimulatedReader.last.bring(FakeImage(640, 480))
        activity.row(0).isShown
    }

    @Test
    fun fromTheFirstRequestToTheAnswer() {
        val activity = running().get()
        val request = SimulatedService.requests.last()
        assertEquals(2, request.targets.size)
        assertEquals(CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE, request.values[CaptureRequest.CONTROL_AF_MODE.name])
        assertEquals(CaptureRequest.FLASH_MODE_OFF, request.values[CaptureRequest.FLASH_MODE.name])
        answer(activity)
        assertEquals("golden retriever", activity.row(0).words(R.id.row_label))
    }

    /** Nothing of the padding, of the bytes between, or of what lies outside the crop may reach the model. */
    @Test
    fun paddingAndStridesAndCropsStayOut() {
        running().get()
        val crop = Rect(3, 5, 637, 471)
        for ((padding, step) in listOf(0 to 1, 32 to 2, 17 to 1, 1 to 2)) for (cut in listOf(null, crop, Rect(1, 1, 2, 2))) {
            fakes.lab.seen = null
            until("what the model saw of padding $padding, step $step, crop $cut") {
                val area = cut ?: Rect(0, 0, 640, 480)
                val image = FakeImage(640, 480, padding, step) { plane, x, y ->
                    val inside = if (plane == 0) area.contains(x, y) else Rect.intersects(area, Rect(2 * x, 2 * y, 2 * x + 2, 2 * y + 2))
                    if (!inside) 7 else if (plane == 0) 200 else 128
                }
                if (cut != null) image.cropRect = cut
                SimulatedReader.last.bring(image)
                fakes.lab.seen?.all { it == 200f } == true
            }
        }
    }

    /**
     * Coloured frames that look different from every side: what reaches the model is Python's tensor, byte for byte, of
     * the back camera and of the front one, whose mirroring is the screen's alone.
     */
    @Test
    @Config(sdk = [35])
    fun theModelSeesWhatPythonMakesOfAFrame() {
        val golden = Json.parse(File("../core/src/test/resources/golden/golden.json").readText()) as List<*>
        val cases = golden.map { it as Map<*, *> }.filter { (it["name"] as String).startsWith("app frame") }
        assertEquals(8, cases.size)
        for ((degrees, turned) in cases.groupBy { ((it["frame"] as Map<*, *>)["rotation"] as Long).toInt() }) {
            SimulatedService.reset()
            SimulatedService.addCameras(degrees, degrees)
            fakes.device = Camera2Source(app)
            val controller = running()
            for (camera in listOf("0", "1")) {
                until("camera $camera") { SimulatedService.open.map { it.id } == listOf(camera) }
                for (case in turned) until("Python's tensor of ${case["name"]}, camera $camera") {
                    SimulatedReader.last.bring(frame(case["frame"] as Map<*, *>))
                    fakes.lab.seen?.let { sha256(it) } == case["sha256"]
                }
                controller.get().tap(R.id.flip)
            }
            controller.pause().stop().destroy()
        }
    }

    /** Its planes are the "slope" of tests/android_app/core/pictures.py. */
    private fun frame(golden: Map<*, *>): FakeImage {
        fun int(name: String) = (golden[name] as Long).toInt()
        assertEquals("slope", golden["kind"])
        assertEquals(listOf(0L, 0L, golden["width"], golden["height"]), golden["crop"])
        val padding = int("y_row_stride") - int("width")
        assertEquals(padding, int("uv_row_stride") - (int("width") + 1) / 2 * int("uv_pixel_stride"))
        return FakeImage(int("width"), int("height"), padding, int("uv_pixel_stride")) { plane, x, y ->
            val seed = int("seed") + plane
            x * (seed % 5 + 1) + y * (seed % 7 + 1) + seed * 29 and 255
        }
    }

    private fun sha256(values: List<Float>): String {
        val bytes = ByteArray(values.size) { values[it].toInt().toByte() }
        return MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }
    }

    @Test
    fun framesAreClosedAndNoneIsReadAfterTheEnd() {
        val controller = running()
        val reader = SimulatedReader.last
        val image = FakeImage(640, 480)
        reader.bring(image)
        until("the frame is given back, and its answer there") { image.isClosed && fakes.lab.seen != null && controller.get().row(0).isShown }
        controller.pause().stop()
        until("the reader is closed") { reader.isClosed && SimulatedService.open.isEmpty() }
        fakes.lab.seen = null
        reader.bring(FakeImage(640, 480))
        idle()
        assertTrue(uncaught.toString(), uncaught.isEmpty())
        assertEquals(null, fakes.lab.seen)
        controller.restart().resume()
        until("a new camera") { SimulatedService.open.size == 1 && SimulatedReader.last !== reader }
        answer(controller.get())
    }

    @Test
    fun anotherAppTakesTheCameraAndGivesItBack() {
        val activity = running().get()
        val first = SimulatedService.last
        first.isTakenAway()
        notice(activity, R.string.camera_taken)
        until("it is given back") { first.isClosed }
        assertFalse(activity.isShown(R.id.torch))
        SimulatedService.becomesFree("1")
        SimulatedService.becomesFree("0")
        until("it is opened again") { SimulatedService.open.size == 1 && !activity.isShown(R.id.notice) }
        answer(activity)
    }

    @Test
    fun everyErrorHasItsWords() {
        val activity = running().get()
        for ((code, words) in mapOf(
            CameraDevice.StateCallback.ERROR_CAMERA_IN_USE to R.string.camera_in_use,
            CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE to R.string.camera_in_use,
            CameraDevice.StateCallback.ERROR_CAMERA_DISABLED to R.string.camera_disabled,
            CameraDevice.StateCallback.ERROR_CAMERA_DEVICE to R.string.camera_failed,
            CameraDevice.StateCallback.ERROR_CAMERA_SERVICE to R.string.camera_failed,
            99 to R.string.camera_failed,
        )) {
            SimulatedService.last.fails(code)
            notice(activity, words)
            until("it is given back") { SimulatedService.open.isEmpty() }
            activity.tap(R.id.notice_action)
            until("it is tried again") { SimulatedService.open.size == 1 && !activity.isShown(R.id.notice) }
        }
    }

    @Test
    fun everyRefusalHasItsWords() {
        grantCamera()
        for ((refusal, words) in listOf(
            CameraAccessException(CameraAccessException.CAMERA_IN_USE) to R.string.camera_in_use,
            CameraAccessException(CameraAccessException.MAX_CAMERAS_IN_USE) to R.string.camera_in_use,
            CameraAccessException(CameraAccessException.CAMERA_DISABLED) to R.string.camera_disabled,
            CameraAccessException(CameraAccessException.CAMERA_DISCONNECTED) to R.string.camera_taken,
            CameraAccessException(CameraAccessException.CAMERA_ERROR) to R.string.camera_failed,
            SecurityException("revoked meanwhile") to R.string.camera_forbidden,
            IllegalArgumentException("unknown camera") to R.string.camera_failed,
            IllegalStateException("strange") to R.string.camera_failed,
            NullPointerException("a vendor's") to R.string.camera_failed,
            UnsupportedOperationException("a vendor's") to R.string.camera_failed,
        )) {
            SimulatedService.refusal = refusal
            val controller = launch()
            notice(controller.get(), words)
            controller.pause().stop().destroy()
        }
    }

    /** A share opens a second screen, and the first stops only after that one has started. */
    @Test
    fun theScreenBeforeTakesNothingFromTheOneInFront() {
        val first = running()
        val lost = SimulatedService.last
        first.pause()
        val second = launch()
        until("the second has the camera") { lost.isClosed && SimulatedService.open.size == 1 && second.get().isShown(R.id.torch) }
        notice(first.get(), R.string.camera_taken)
        second.get().tap(R.id.torch)
        first.stop()
        second.get().settle()
        answer(second.get())
        assertEquals(1, SimulatedService.open.size)
        until("light") { SimulatedService.requests.last().values[CaptureRequest.FLASH_MODE.name] == CaptureRequest.FLASH_MODE_TORCH }
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return
        shadowOf(app.getSystemService(PowerManager::class.java)).setCurrentThermalStatus(4)
        until("the warning") { second.get().words(R.id.warning) == second.get().getString(R.string.hot_warning) }
        assertFalse(first.get().isShown(R.id.warning))
    }

    /** All are seen in a split screen. */
    @Test
    fun screensThatLostTheCameraHaveItBackWhenTheOthersStop() {
        val first = running()
        first.pause()
        val second = launch()
        until("the second has the camera") { SimulatedService.open.size == 1 && second.get().isShown(R.id.torch) }
        notice(first.get(), R.string.camera_taken)
        second.pause()
        val third = launch()
        until("the third has the camera") { SimulatedService.open.size == 1 && third.get().isShown(R.id.torch) }
        notice(second.get(), R.string.camera_taken)
        third.pause().stop().destroy()
        until("the second has it again") { SimulatedService.open.size == 1 && second.get().isShown(R.id.torch) }
        second.stop().destroy()
        until("the first has it again") { SimulatedService.open.size == 1 && first.get().isShown(R.id.torch) && !first.get().isShown(R.id.notice) }
        answer(first.get())
    }

    /** A camera is called free while too many others are in use: asking again at once would never end. */
    @Test
    fun aCameraThatIsNotToBeHadIsNotAskedForWithoutAPause() {
        grantCamera()
        SimulatedService.errorOnOpen = CameraDevice.StateCallback.ERROR_MAX_CAMERAS_IN_USE
        val activity = launch().get()
        notice(activity, R.string.camera_in_use)
        val before = SimulatedService.attempts
        repeat(100) {
            shadowOf(android.os.Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS)
            assertTrue("the notice stays", activity.isShown(R.id.notice))
            Thread.sleep(2)
        }
        assertTrue("${SimulatedService.attempts - before} in two seconds", SimulatedService.attempts - before in 1..3)
        SimulatedService.errorOnOpen = null
        until("it is there at last") { !activity.isShown(R.id.notice) && SimulatedService.open.size == 1 }
    }

    @Test
    fun aSessionThatIsRefusedGivesTheCameraBack() {
        grantCamera()
        SimulatedService.configures = false
        val activity = launch().get()
        notice(activity, R.string.camera_failed)
        until("it is given back") { SimulatedService.open.isEmpty() }
    }

    @Test
    fun torchAndTheOtherCamera() {
        val activity = running().get()
        activity.tap(R.id.torch)
        until("light") { SimulatedService.requests.last().values[CaptureRequest.FLASH_MODE.name] == CaptureRequest.FLASH_MODE_TORCH }
        val back = SimulatedService.last
        activity.tap(R.id.flip)
        until("the front camera") { SimulatedService.open.map { it.id } == listOf("1") && back.isClosed && !activity.isShown(R.id.torch) }
        answer(activity)
        activity.tap(R.id.flip)
        until("the back camera") { SimulatedService.open.map { it.id } == listOf("0") && activity.isShown(R.id.torch) }
        // The screen is there before the request: the front camera's, which has no torch, may be the last for a moment.
        until("no light") { SimulatedService.requests.last().values[CaptureRequest.FLASH_MODE.name] == CaptureRequest.FLASH_MODE_OFF }
        assertEquals(activity.getString(R.string.torch_on), activity.findViewById<View>(R.id.torch).contentDescription)
    }

    @Test
    fun aTorchThatFailsIsNoCrash() {
        val activity = running().get()
        SimulatedService.requestFailure = CameraAccessException(CameraAccessException.CAMERA_ERROR)
        activity.tap(R.id.torch)
        notice(activity, R.string.camera_failed)
    }

    @Test
    fun rotationOpensTheCameraAnewAndKeepsTheEngineAndTheLight() {
        val controller = running()
        controller.get().tap(R.id.torch)
        val made = fakes.lab.made.size
        val before = SimulatedService.last
        RuntimeEnvironment.setQualifiers("+land")
        controller.recreate()
        giveSurface(controller.get())
        until("the camera again") { before.isClosed && SimulatedService.open.size == 1 }
        answer(controller.get())
        assertEquals(made, fakes.lab.made.size)
        until("light") { SimulatedService.requests.last().values[CaptureRequest.FLASH_MODE.name] == CaptureRequest.FLASH_MODE_TORCH }
        controller.pause().stop().restart().resume()
        until("no light after a while elsewhere") {
            SimulatedService.open.size == 1 && controller.get().isShown(R.id.torch) &&
                SimulatedService.requests.last().values[CaptureRequest.FLASH_MODE.name] == CaptureRequest.FLASH_MODE_OFF
        }
    }

    @Test
    fun frontCameraAndSheetOutliveTheProcess() {
        val controller = running()
        controller.get().tap(R.id.flip)
        controller.get().tap(R.id.tune)
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        until("everything is given back") { SimulatedService.open.isEmpty() && fakes.lab.open == 0 }
        val again = Robolectric.buildActivity(MainActivity::class.java).setup(saved).get()
        giveSurface(again)
        until("the front camera") { SimulatedService.open.map { it.id } == listOf("1") && again.isShown(R.id.choices) }
    }

    @Test
    fun littleMemoryInFrontTakesNothingAwayAndBehindTheModel() {
        val controller = running()
        controller.get().onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_RUNNING_CRITICAL)
        answer(controller.get())
        assertEquals(1, fakes.lab.open)
        controller.pause().stop()
        controller.get().onTrimMemory(ComponentCallbacks2.TRIM_MEMORY_COMPLETE)
        until("the model is freed") { fakes.lab.open == 0 && SimulatedService.open.isEmpty() }
        controller.restart().resume()
        controller.get().settle()
        answer(controller.get())
    }

    @Test
    fun aPermissionThatIsTakenAwayIsAskedForAnew() {
        val controller = running()
        controller.pause().stop()
        shadowOf(app).denyPermissions(android.Manifest.permission.CAMERA)
        controller.restart().resume()
        until("the notice") { controller.get().isShown(R.id.notice_action) && SimulatedService.open.isEmpty() }
    }
}
