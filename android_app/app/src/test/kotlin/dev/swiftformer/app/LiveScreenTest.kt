package dev.swiftformer.app

import android.content.ClipboardManager
import android.text.Editable
import android.text.TextWatcher
import android.view.View
import android.widget.TextView
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.Facing
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The main screen with a camera and engines that do as they are told. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class LiveScreenTest {
    @Test
    fun framesBecomeAnswers() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.seeFrames()
        assertEquals("golden retriever", activity.row(0).words(R.id.row_label))
        // softmax of 9, 6.4, 5, 4.4, 4 and 995 zeros, as a calculator has it: 8103.08 / 10040.22
        assertEquals("81%", activity.row(0).words(R.id.row_percent))
        assertEquals("Labrador retriever", activity.row(1).words(R.id.row_label))
        assertTrue(activity.words(R.id.speed), Regex("picture \\d+\\.\\d ms · model \\d+\\.\\d ms").containsMatchIn(activity.words(R.id.speed)))
        assertEquals("CPU with XNNPACK, ${activity.threads()}: 90 of 90 operators", activity.words(R.id.runs_on))
    }

    @Test
    fun framesOfStrangeShapesDoNoHarm() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        val camera = FakeCamera.facts(Facing.BACK, true)
        for (image in listOf(
            FakeImage(640, 480, planeCount = 1), FakeImage(640, 480, planeCount = 0), FakeImage(640, 480, shortBy = 200_000),
            FakeImage(1, 1), FakeImage(1, 4000), FakeImage(4000, 1), FakeImage(641, 481, chromaStep = 1), FakeImage(3, 2000, rowPadding = 0),
            FakeImage(640, 480).apply { cropRect = android.graphics.Rect(-5, 0, 700, 10) },
            FakeImage(640, 480).apply { cropRect = android.graphics.Rect(100, 100, 100, 100) },
            FakeImage(640, 480).apply { close() },
        )) {
            activity.onFrame(image, camera)
            idle()
            Thread.sleep(30)  // for the engine's thread to take it, so that the next is not left out
        }
        activity.seeFrames()
        assertTrue(activity.row(0).isShown)
        assertTrue(uncaught.toString(), uncaught.isEmpty())
    }

    @Test
    fun tapCopiesAnAnswer() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.seeFrames()
        activity.row(0).performClick()
        val clip = activity.getSystemService(ClipboardManager::class.java).primaryClip!!
        assertEquals("golden retriever (81%)", clip.getItemAt(0).text)
    }

    @Test
    fun talkBackReadsRowsAndHearsNewAnswers() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.seeFrames()
        val node = activity.row(0).createAccessibilityNodeInfo()
        assertEquals("golden retriever, 81 percent", node.contentDescription)
        val spoken = activity.findViewById<View>(R.id.spoken)
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, spoken.accessibilityLiveRegion)
        until("the answer is spoken") { activity.words(R.id.spoken) == "golden retriever, 81 percent" }
    }

    @Test
    fun everyButtonHasAName() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        for (id in listOf(R.id.pick, R.id.freeze, R.id.tune, R.id.flip, R.id.torch, R.id.close_choices, R.id.fewer_threads, R.id.more_threads)) {
            val view = activity.findViewById<View>(id)
            assertFalse(activity.resources.getResourceEntryName(id), view.contentDescription.isNullOrBlank())
        }
    }

    @Test
    fun torchAndFlip() {
        grantCamera()
        val activity = launch().get()
        activity.onCameraStarted(fakes.fakeCamera.list[0])
        idle()
        activity.tap(R.id.torch)
        assertTrue(fakes.fakeCamera.lit)
        assertEquals(activity.getString(R.string.torch_off), activity.findViewById<View>(R.id.torch).contentDescription)
        activity.tap(R.id.flip)
        assertEquals(Facing.FRONT, fakes.fakeCamera.started?.facing)
        assertFalse(activity.isShown(R.id.torch))
    }

    @Test
    fun cameraTakenAwayComesBackWhenFree() {
        grantCamera()
        val activity = launch().get()
        for ((problem, words) in mapOf(
            CameraProblem.TAKEN to R.string.camera_taken, CameraProblem.IN_USE to R.string.camera_in_use,
            CameraProblem.DISABLED to R.string.camera_disabled, CameraProblem.FAILED to R.string.camera_failed,
            CameraProblem.DENIED to R.string.camera_forbidden,
        )) {
            activity.onCameraProblem(problem)
            assertEquals(activity.getString(words), activity.words(R.id.notice_text))
        }
        // TalkBack speaks what is written, and only that is.
        var written = 0
        activity.findViewById<TextView>(R.id.notice_text).doOnWriting { written++ }
        repeat(3) { activity.onCameraProblem(CameraProblem.DENIED) }
        assertEquals(0, written)
        val starts = fakes.fakeCamera.starts
        activity.onCameraFree()
        idle()
        assertEquals(starts + 1, fakes.fakeCamera.starts)
        assertTrue("the notice stays until it is known", activity.isShown(R.id.notice))
        activity.onCameraStarted(fakes.fakeCamera.list[0])
        assertFalse(activity.isShown(R.id.notice))
        assertEquals(0, written)
    }

    private fun TextView.doOnWriting(act: () -> Unit) = addTextChangedListener(
        object : TextWatcher {
            override fun beforeTextChanged(text: CharSequence, start: Int, count: Int, after: Int) = Unit

            override fun onTextChanged(text: CharSequence, start: Int, before: Int, count: Int) = act()

            override fun afterTextChanged(text: Editable) = Unit
        },
    )

    @Test
    fun noCameraAtAll() {
        grantCamera()
        fakes.fakeCamera.list = emptyList()
        val activity = launch().get()
        assertEquals(activity.getString(R.string.camera_none), activity.words(R.id.notice_text))
        assertTrue(activity.isShown(R.id.pick))
    }

    @Test
    fun backClosesTheSheetFirst() {
        val activity = launch().get()
        activity.tap(R.id.tune)
        assertTrue(activity.isShown(R.id.choices))
        @Suppress("DEPRECATION") activity.onBackPressed()
        assertFalse(activity.isShown(R.id.choices))
        assertFalse(activity.isFinishing)
    }
}
