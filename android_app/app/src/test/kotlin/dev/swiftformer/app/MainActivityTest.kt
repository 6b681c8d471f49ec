package dev.swiftformer.app

import android.Manifest
import android.content.ClipboardManager
import android.content.ComponentCallbacks2
import android.content.Intent
import android.content.pm.PackageManager
import android.os.Bundle
import android.provider.Settings as SystemSettings
import android.view.View
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineException
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
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The real main screen, with a camera and engines that do as they are told. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class MainActivityTest {
    @Test
    fun asksForTheCameraOnceAndSaysWhy() {
        val activity = launch().get()
        assertEquals(Manifest.permission.CAMERA, shadowOf(activity).lastRequestedPermission.requestedPermissions.single())
        assertTrue(activity.isShown(R.id.notice))
        assertEquals(activity.getString(R.string.camera_needed), activity.words(R.id.notice_text))
        assertNull(fakes.camera.started)
    }

    @Test
    fun startsTheCameraWhenAllowed() {
        val activity = launch().get()
        grantCamera()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        idle()
        assertEquals(Facing.BACK, fakes.camera.started?.facing)
        assertFalse(activity.isShown(R.id.notice))
    }

    @Test
    fun refusedForGoodLeadsToTheSettings() {
        val activity = launch().get()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_DENIED))
        idle()
        assertEquals(activity.getString(R.string.camera_forbidden), activity.words(R.id.notice_text))
        activity.tap(R.id.notice_action)
        val left = shadowOf(activity).nextStartedActivity
        assertEquals(SystemSettings.ACTION_APPLICATION_DETAILS_SETTINGS, left.action)
        assertEquals("package:" + activity.packageName, left.dataString)
    }

    @Test
    fun aCalledOffQuestionIsNoRefusal() {
        val activity = launch().get()
        activity.onRequestPermissionsResult(1, emptyArray(), IntArray(0))
        idle()
        assertEquals(activity.getString(R.string.camera_needed), activity.words(R.id.notice_text))
    }

    @Test
    fun permissionTakenAwayWhileAwayIsNoticed() {
        grantCamera()
        val controller = launch()
        assertNotNull(fakes.camera.started)
        controller.pause().stop()
        assertNull(fakes.camera.started)
        shadowOf(app).denyPermissions(Manifest.permission.CAMERA)
        controller.start().resume()
        assertNull(fakes.camera.started)
        assertTrue(controller.get().isShown(R.id.notice))
    }

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
        assertEquals("CPU with XNNPACK, ${threads(activity)}: 90 of 90 operators", activity.words(R.id.runs_on))
    }

    private fun threads(activity: MainActivity): String =
        fakes.settings.threads.let { activity.resources.getQuantityString(R.plurals.threads, it, it) }

    @Test
    fun framesOfStrangeShapesDoNoHarm() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        val camera = FakeCamera.facts(Facing.BACK, true)
        for (image in listOf(
            FakeImage(640, 480, planeCount = 1), FakeImage(640, 480, planeCount = 0), FakeImage(640, 480, shortBy = 200_000),
            FakeImage(1, 1), FakeImage(641, 481, chromaStep = 1), FakeImage(3, 2000, rowPadding = 0),
            FakeImage(640, 480).apply { cropRect = android.graphics.Rect(-5, 0, 700, 10) },
            FakeImage(640, 480).apply { cropRect = android.graphics.Rect(100, 100, 100, 100) },
            FakeImage(640, 480).apply { close() },
        )) {
            activity.onFrame(image, camera)
            idle()
        }
        activity.seeFrames()
        assertTrue(activity.row(0).isShown)
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
    fun freezeHoldsAFrameAndReleasesTheCamera() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.seeFrames()
        freeze(activity)
        assertTrue(activity.isShown(R.id.still))
        assertNull(fakes.camera.started)
        until("the frozen answer") { activity.row(0).isShown }
        assertTrue(activity.words(R.id.speed).startsWith("Picture"))
        activity.tap(R.id.freeze)
        assertFalse(activity.isShown(R.id.still))
        assertNotNull(fakes.camera.started)
    }

    private fun freeze(activity: MainActivity) {
        activity.tap(R.id.freeze)
        val camera = FakeCamera.facts(Facing.BACK, true)
        until("a frozen frame") {
            FakeImage(640, 480).use { activity.onFrame(it, camera) }
            activity.isShown(R.id.still)
        }
    }

    @Test
    fun rotationKeepsTheEngineAndTheFrozenFrame() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        freeze(controller.get())
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
        freeze(controller.get())
        until("the kept picture") { fakes.pictures.restore() != null }
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
        val again = Robolectric.buildActivity(MainActivity::class.java).setup(saved).get()
        until("the picture again") { again.isShown(R.id.still) && again.row(0).isShown }
        assertNull(fakes.camera.started)
    }

    @Test
    fun gpuThatRefusesIsSaidInWords() {
        grantCamera()
        fakes.lab.refusals[DelegateKind.GPU] = "Internal error: Failed to apply delegate: no OpenCL library"
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.tune)
        activity.tap(R.id.delegate_gpu)
        until("the fallback") { "GPU refused" in activity.words(R.id.runs_on) }
        assertEquals(
            "CPU with XNNPACK, ${threads(activity)}: 90 of 90 operators. GPU refused: Internal error: Failed to apply delegate: no OpenCL library.",
            activity.words(R.id.runs_on),
        )
        assertEquals(activity.words(R.id.runs_on), activity.words(R.id.choices_runs_on))
    }

    @Test
    fun gpuThatRunsSaysItsShare() {
        grantCamera()
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
        activity.tap(R.id.delegate_nnapi)
        until("NNAPI") { activity.words(R.id.runs_on) == "NNAPI on example-npu: 90 of 90 operators" }
        assertEquals(1, fakes.lab.open)
    }

    @Test
    fun aShareThatCannotBeReadIsSaidToBeUnknown() {
        fakes.lab.silent.add(DelegateKind.CPU)
        val activity = launch().get()
        activity.settle()
        assertEquals("CPU with XNNPACK, ${threads(activity)}: share unknown", activity.words(R.id.runs_on))
    }

    @Test
    fun wrongAnswersOfADelegateAreFoundAndSaid() {
        fakes.lab.wrong.add(DelegateKind.GPU)
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the fallback") { "GPU calculates something else" in activity.words(R.id.runs_on) }
    }

    @Test
    fun aDelegateThatTookTheAppDownTwiceIsNotTriedAgainUntilAsked() {
        fakes.settings.delegate = DelegateKind.GPU.name
        val sha = dev.swiftformer.app.model.ModelLibrary(fakes.files).index().models.first().sha256
        fakes.attempts.text = """{"crashes": {"$sha test GPU true": 2}, "pending": []}"""
        val activity = launch().get()
        activity.settle()
        assertTrue(activity.words(R.id.runs_on), "ended twice with GPU" in activity.words(R.id.runs_on))
        assertFalse(fakes.lab.made.any { it.kind == DelegateKind.GPU })
        activity.tap(R.id.delegate_cpu)
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
    }

    @Test
    fun anEngineThatFailsWhileRunningIsReplaced() {
        grantCamera()
        fakes.settings.delegate = DelegateKind.GPU.name
        val activity = launch().get()
        activity.settle()
        fakes.lab.failure = EngineException("the driver was lost")
        activity.seeFrames()
        assertTrue("GPU failed while it ran: the driver was lost." in activity.words(R.id.runs_on))
    }

    @Test
    fun notANumberIsReplaced() {
        grantCamera()
        fakes.settings.delegate = DelegateKind.GPU.name
        val activity = launch().get()
        activity.settle()
        val good = fakes.lab.logits
        fakes.lab.logits = mapOf(3 to Float.NaN)
        val camera = FakeCamera.facts(Facing.BACK, true)
        until("the fallback") {
            FakeImage(640, 480).use { activity.onFrame(it, camera) }
            val fell = fakes.lab.made.last().kind == DelegateKind.CPU
            if (fell) fakes.lab.logits = good
            fell
        }
        until("the words") { "not numbers" in activity.words(R.id.runs_on) || activity.isShown(R.id.warning) }
    }

    @Test
    fun threadsAndModelsAreChosenAndRemembered() {
        val controller = launch()
        val activity = controller.get()
        activity.settle()
        fakes.settings.threads = 1
        activity.tap(R.id.tune)
        val models = activity.findViewById<android.widget.RadioGroup>(R.id.models)
        assertEquals(2, models.childCount)
        models.getChildAt(1).performClick()
        until("the other model") { "float16" in activity.words(R.id.model_chip) || activity.words(R.id.model_chip).isEmpty() && fakes.lab.made.size > 1 }
        assertEquals("micro_float16.tflite", fakes.settings.model)
    }

    @Test
    fun torchAndFlip() {
        grantCamera()
        val activity = launch().get()
        activity.onCameraStarted(fakes.camera.list[0])
        idle()
        activity.tap(R.id.torch)
        assertTrue(fakes.camera.lit)
        assertEquals(activity.getString(R.string.torch_off), activity.findViewById<View>(R.id.torch).contentDescription)
        activity.tap(R.id.flip)
        assertEquals(Facing.FRONT, fakes.camera.started?.facing)
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
        val starts = fakes.camera.starts
        activity.onCameraFree()
        idle()
        assertEquals(starts + 1, fakes.camera.starts)
        assertFalse(activity.isShown(R.id.notice))
    }

    @Test
    fun noCameraAtAll() {
        grantCamera()
        fakes.camera.list = emptyList()
        val activity = launch().get()
        assertEquals(activity.getString(R.string.camera_none), activity.words(R.id.notice_text))
        assertTrue(activity.isShown(R.id.pick))
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

    @Test
    fun theEndClosesTheEngine() {
        val controller = launch()
        controller.get().settle()
        controller.pause().stop().destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
    }

    @Test
    fun heatIsSaidAndEndsTheGpu() {
        grantCamera()
        fakes.settings.delegate = DelegateKind.GPU.name
        val activity = launch().get()
        activity.settle()
        shadowOf(activity.getSystemService(android.os.PowerManager::class.java)).setCurrentThermalStatus(4)
        until("the CPU") { "too hot" in activity.words(R.id.runs_on) }
        assertEquals(activity.getString(R.string.hot_warning), activity.words(R.id.warning))
    }

    @Test
    fun picksAPictureThroughTheSystemsPicker() {
        val activity = launch().get()
        activity.tap(R.id.pick)
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        assertEquals("image/*", asked.intent.type)
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
