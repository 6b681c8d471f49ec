package dev.swiftformer.app

import android.content.Intent
import android.widget.ImageView
import android.widget.TextView
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.core.DelegateKind
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Every screen as a picture: both themes, both languages, both orientations, a split screen, large fonts. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScreenshotTest {
    private fun live(): MainActivity {
        grantCamera()
        fakes.settings.threads = 1
        val activity = launch().get()
        activity.settle()
        activity.onCameraStarted(fakes.fakeCamera.list[0])
        activity.seeFrames()
        until("a frame rate") {
            FakeImage(640, 480).use { activity.onFrame(it, fakes.fakeCamera.list[0]) }
            !activity.words(R.id.speed).contains(Regex("(^|\\D)0\\.0(프레임| frames)"))
        }
        steady(activity)
        return activity
    }

    /** Times differ from run to run: they are written over with fixed ones. */
    private fun steady(activity: MainActivity) {
        activity.rest()
        val text = activity.findViewById<android.widget.TextView>(R.id.speed)
        text.text = text.text.replace(Regex("\\d+\\.\\d"), "4.2")
    }

    @Test
    fun liveByDay() = Screenshots.check("live", live())

    /** A picture with it must not pass for the one without. */
    @Test
    fun aChangedNumberOrLineIsADifference() {
        val activity = live()
        val before = Screenshots.draw(activity.window.decorView)
        assertEquals(0, Screenshots.mostDiffering(before, Screenshots.draw(activity.window.decorView)))
        val line = activity.findViewById<TextView>(R.id.runs_on)
        val words = line.text.toString()
        for (changed in listOf(words.replaceFirst("90", "17"), "CPU without XNNPACK, 1 thread: 12 of 34 operators")) {
            line.text = changed
            idle()
            val differing = Screenshots.mostDiffering(before, Screenshots.draw(activity.window.decorView))
            assertTrue("$changed: $differing", differing > Screenshots.MOST_DIFFERENT)
        }
    }

    @Test
    @Config(qualifiers = "+night")
    fun liveByNight() = Screenshots.check("live_night", live())

    @Test
    @Config(qualifiers = "+ko")
    fun liveInKorean() = Screenshots.check("live_ko", live())

    @Test
    @Config(qualifiers = "w640dp-h360dp-land-mdpi")
    fun liveLandscape() = Screenshots.check("live_land", live())

    @Test
    @Config(qualifiers = "w360dp-h300dp-land-mdpi")
    fun liveInSplitScreen() = Screenshots.check("live_split", live())

    @Test
    fun liveWithLargeFonts() {
        RuntimeEnvironment.setFontScale(2f)
        Screenshots.check("live_large", live())
    }

    @Test
    fun frozen() {
        val activity = live()
        activity.freeze()
        until("its answer") { activity.words(R.id.speed).startsWith("Picture") }
        assertTrue(activity.findViewById<ImageView>(R.id.still).drawable != null)
        steady(activity)
        Screenshots.check("frozen", activity)
    }

    @Test
    fun permission() {
        val activity = launch().get()
        activity.settle()
        Screenshots.check("permission", activity)
    }

    @Test
    fun cameraInUse() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.onCameraProblem(CameraProblem.IN_USE)
        idle()
        Screenshots.check("in_use", activity)
    }

    private fun choices(): MainActivity {
        grantCamera()
        fakes.settings.threads = 1
        fakes.lab.refusals[DelegateKind.GPU] = "Internal error: Failed to apply delegate: no OpenCL library on this device"
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.tune)
        activity.tap(R.id.delegate_gpu)
        until("the fallback") { "OpenCL" in activity.words(R.id.runs_on) }
        return activity
    }

    @Test
    fun choicesByDay() = Screenshots.check("choices", choices())

    @Test
    @Config(qualifiers = "+night")
    fun choicesByNight() = Screenshots.check("choices_night", choices())

    @Test
    @Config(qualifiers = "+ko")
    fun choicesInKorean() = Screenshots.check("choices_ko", choices())

    @Test
    fun brokenModel() {
        grantCamera()
        val files = MemoryFiles.copy(app)
        files.content["micro_float32.tflite"]!![1000]++
        fakes.files = files
        val activity = launch().get()
        until("the message") { activity.isShown(R.id.warning) }
        Screenshots.check("broken_model", activity)
    }

    private fun about(): AboutModelActivity {
        val intent = Intent(app, AboutModelActivity::class.java).putExtra(AboutModelActivity.FILE, "micro_float32.tflite")
        val activity = Robolectric.buildActivity(AboutModelActivity::class.java, intent).setup().get()
        until("the lines") { activity.findViewById<android.view.ViewGroup>(R.id.about_lines).childCount > 5 }
        return activity
    }

    @Test
    fun aboutByDay() = Screenshots.check("about", about())

    @Test
    @Config(qualifiers = "+ko-night")
    fun aboutInKoreanByNight() = Screenshots.check("about_ko_night", about())
}
