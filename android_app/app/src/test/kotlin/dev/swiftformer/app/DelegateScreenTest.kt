package dev.swiftformer.app

import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.model.BundleFiles
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.Replacement
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.InputStream
import java.util.concurrent.CountDownLatch

/** What runs is said in words, and every fallback with its reason. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class DelegateScreenTest {
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
            "CPU with XNNPACK, ${activity.threads()}: 90 of 90 operators. GPU refused: Internal error: Failed to apply delegate: no OpenCL library.",
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

    /** XNNPACK took all that the GPU left, which was everything: that is no GPU. */
    @Test
    fun aGpuThatTookNothingIsNotCalledOne() {
        fakes.lab.shares[DelegateKind.GPU] = listOf(Replacement("TfLiteXNNPackDelegate", 90, 90, 1))
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the fallback") { activity.words(R.id.runs_on).startsWith("CPU") && "GPU took none" in activity.words(R.id.runs_on) }
    }

    @Test
    fun theGpusShareIsItsOwn() {
        fakes.lab.shares[DelegateKind.GPU] =
            listOf(Replacement("TfLiteGpuDelegateV2", 60, 90, 3), Replacement("TfLiteXNNPackDelegate", 30, 31, 1))
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 60 of 90 operators" }
    }

    @Test
    fun aDeviceThatIsTooHotDoesNotStartTheGpu() {
        val activity = launch().get()
        activity.settle()
        shadowOf(activity.getSystemService(android.os.PowerManager::class.java)).setCurrentThermalStatus(4)
        until("the warning") { activity.words(R.id.warning) == activity.getString(R.string.hot_warning) }
        activity.tap(R.id.delegate_gpu)
        until("the CPU") { "GPU was left because the device is too hot" in activity.words(R.id.runs_on) }
        assertFalse(fakes.lab.made.any { it.kind == DelegateKind.GPU })
    }

    @Test
    fun aDeviceThatIsTooHotAtTheStartDoesNotStartTheGpu() {
        fakes.settings.delegate = DelegateKind.GPU.name
        shadowOf(app.getSystemService(android.os.PowerManager::class.java)).setCurrentThermalStatus(4)
        val activity = launch().get()
        until("the CPU") { "GPU was left because the device is too hot" in activity.words(R.id.runs_on) }
        assertEquals(listOf(DelegateKind.CPU), fakes.lab.made.map { it.kind })
        assertEquals(activity.getString(R.string.hot_warning), activity.words(R.id.warning))
    }

    /** Nobody listens while the screen is left; what was heard before it says nothing of now. */
    @Test
    fun heatIsAskedForAnewWhenTheAppComesBack() {
        fakes.settings.delegate = DelegateKind.GPU.name
        val power = shadowOf(app.getSystemService(android.os.PowerManager::class.java))
        val controller = launch()
        val activity = controller.get()
        activity.settle()
        for ((status, kind) in listOf(4 to DelegateKind.CPU, 0 to DelegateKind.GPU, 4 to DelegateKind.CPU)) {
            controller.pause().stop()
            activity.onTrimMemory(android.content.ComponentCallbacks2.TRIM_MEMORY_UI_HIDDEN)
            until("the engine is closed") { fakes.lab.open == 0 }
            fakes.lab.made.clear()
            power.setCurrentThermalStatus(status)
            controller.restart().resume()
            until("an engine") { fakes.lab.open == 1 }
            activity.settle()
            assertEquals(listOf(kind), fakes.lab.made.map { it.kind })
            assertEquals(status == 4, activity.isShown(R.id.warning))
        }
    }

    @Test
    fun aShareThatCannotBeReadIsSaidToBeUnknown() {
        fakes.lab.silent.add(DelegateKind.CPU)
        val activity = launch().get()
        activity.settle()
        assertEquals("CPU with XNNPACK, ${activity.threads()}: share unknown", activity.words(R.id.runs_on))
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
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
    }

    /** The CPU runs as chosen, but without what was meant. */
    @Test
    fun xnnpackThatTookTheAppDownTwiceIsTriedOnceMoreWhenTheCpuIsChosenAgain() {
        val sha = dev.swiftformer.app.model.ModelLibrary(fakes.files).index().models.first().sha256
        fakes.attempts.text = """{"crashes": {"$sha test CPU true": 2}, "pending": []}"""
        val activity = launch().get()
        activity.settle()
        assertTrue(activity.words(R.id.runs_on), "ended twice with XNNPACK" in activity.words(R.id.runs_on))
        activity.tap(R.id.delegate_cpu)
        until("XNNPACK") { activity.words(R.id.runs_on) == "CPU with XNNPACK, ${activity.threads()}: 90 of 90 operators" }
    }

    /** The first load holds the engine's thread; of those that wait for it, only the last is still wanted. */
    @Test
    fun quickTapsStartOnlyTheFirstAndTheLast() {
        val activity = launch().get()
        activity.settle()
        val latch = CountDownLatch(1)
        val files = fakes.files
        fakes.files = object : BundleFiles by files {
            override fun open(name: String): InputStream {
                if (name == "golden.png") latch.await()
                return files.open(name)
            }
        }
        fakes.lab.made.clear()
        activity.tap(R.id.delegate_gpu)
        until("the first load") { activity.words(R.id.runs_on) == activity.getString(R.string.trying, "GPU") }
        for (id in listOf(R.id.delegate_nnapi, R.id.delegate_gpu, R.id.delegate_cpu, R.id.delegate_nnapi)) activity.tap(id)
        latch.countDown()
        until("NNAPI") { activity.words(R.id.runs_on) == "NNAPI on example-npu: 90 of 90 operators" }
        assertEquals(listOf(DelegateKind.GPU, DelegateKind.NNAPI), fakes.lab.made.map { it.kind })
    }

    @Test
    fun threadsOfTheCpuDoNotRestartAGpuThatTookAll() {
        fakes.settings.delegate = DelegateKind.GPU.name
        val threads = fakes.settings.threads
        val activity = launch().get()
        activity.settle()
        activity.tap(if (threads > 1) R.id.fewer_threads else R.id.more_threads)
        activity.rest()
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
        assertTrue(fakes.settings.threads != threads)
        assertEquals(1, fakes.lab.made.size)
    }

    /** Its button is still checked: it is what was asked for. */
    @Test
    fun aDelegateThatWasLeftIsTriedOnceMoreWhenItIsChosenAgain() {
        fakes.lab.refusals[DelegateKind.GPU] = "busy"
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.delegate_gpu)
        until("the fallback") { "GPU refused" in activity.words(R.id.runs_on) }
        fakes.lab.refusals.clear()
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
        val made = fakes.lab.made.size
        activity.tap(R.id.delegate_gpu)
        activity.rest()
        assertEquals("it runs as asked: there is nothing to try", made, fakes.lab.made.size)
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
    fun heatIsSaidAndEndsTheGpu() {
        grantCamera()
        fakes.settings.delegate = DelegateKind.GPU.name
        val activity = launch().get()
        activity.settle()
        shadowOf(activity.getSystemService(android.os.PowerManager::class.java)).setCurrentThermalStatus(4)
        until("the CPU") { "too hot" in activity.words(R.id.runs_on) }
        assertEquals(activity.getString(R.string.hot_warning), activity.words(R.id.warning))
        shadowOf(activity.getSystemService(android.os.PowerManager::class.java)).setCurrentThermalStatus(0)
        until("the device is cool") { !activity.isShown(R.id.warning) }
        activity.tap(R.id.delegate_gpu)
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
    }

    /** There is nothing to start, so that nothing is said to be starting; and what was remembered stays. */
    @Test
    fun choicesWithoutModelsStartNothingAndForgetNothing() {
        for (text in listOf("{", """{"format": "swiftformer-bundle", "version": 1, "models": []}""")) {
            fakes.settings.model = "micro_float16.tflite"
            fakes.files = MemoryFiles.copy(app).also { it.content["index.json"] = text.toByteArray() }
            val controller = launch()
            val activity = controller.get()
            until("the problem") { activity.isShown(R.id.warning) }
            activity.tap(R.id.delegate_gpu)
            activity.tap(R.id.delegate_nnapi)
            controller.pause().stop()
            activity.onTrimMemory(android.content.ComponentCallbacks2.TRIM_MEMORY_BACKGROUND)
            controller.restart().resume()
            activity.rest()
            assertEquals("", activity.words(R.id.runs_on))
            assertTrue(activity.isShown(R.id.warning))
            assertEquals("micro_float16.tflite", fakes.settings.model)
            assertEquals(DelegateKind.NNAPI.name, fakes.settings.delegate)
            controller.pause().stop().destroy()
        }
    }

    @Test
    fun aChoiceBeforeTheListOfModelsIsThereIsOfTheRememberedModel() {
        val latch = CountDownLatch(1)
        val files = fakes.files
        fakes.files = object : BundleFiles by files {
            override fun open(name: String): InputStream {
                if (name == "index.json") latch.await()
                return files.open(name)
            }
        }
        fakes.settings.model = "micro_float16.tflite"
        val activity = launch().get()
        activity.tap(R.id.delegate_gpu)
        latch.countDown()
        until("the GPU") { activity.words(R.id.runs_on) == "GPU: 90 of 90 operators" }
        assertTrue(activity.words(R.id.model_chip), "float16" in activity.words(R.id.model_chip))
        assertEquals("micro_float16.tflite", fakes.settings.model)
    }
}
