package dev.swiftformer.app.tools

import android.app.Application
import dev.swiftformer.app.HostLibrary
import dev.swiftformer.app.engine.InterpreterFactory
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.Json
import dev.swiftformer.core.ModelFile
import dev.swiftformer.core.RgbPicture
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The app's way from a picture to logits, for other languages' tests: the core's `ModelFile` and `InputWriter`, the app's
 * `InterpreterFactory` and `InterpreterEngine`, and TFLite itself ([HostLibrary]).
 *
 * The property `engine.jobs` names a list of {"model": FILE.tflite, "delegate": "CPU" or "GPU", "xnnpack": true,
 * "threads": 1, "pictures": [{"picture": FILE of RGB bytes, "width", "height", "tensor": FILE, "output": FILE}]}: of each
 * picture the input tensor's and the output's bytes are written. `engine.answers` names the file for one answer a job:
 * {"replaced": [...], "version": "2.16.1"}, or {"refused": "why"}.
 *
 * Started by `org.junit.runner.JUnitCore` (its name keeps Maven from taking it for one of the app's tests).
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = Application::class)
class EngineJobs {
    @Test
    fun run() {
        HostLibrary.load()
        val jobs = Json.parse(File(System.getProperty("engine.jobs")).readText()) as List<*>
        val answers = jobs.map { answer(it as Map<*, *>) }
        File(System.getProperty("engine.answers")).writeText(Json.write(answers))
    }

    private fun answer(job: Map<*, *>): Map<String, Any?> {
        val bytes = File(job["model"] as String).readBytes()
        val model = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes).apply { rewind() }
        val description = ModelFile.read(model.duplicate(), job["model"] as String)
        val choice = DelegateChoice(
            DelegateKind.valueOf(job["delegate"] as String), (job["threads"] as Long).toInt(), job["xnnpack"] as Boolean,
        )
        val engine = try {
            InterpreterFactory(model, HostLibrary.log).create(choice)
        } catch (e: EngineException) {
            return mapOf("refused" to e.message)
        }
        engine.use {
            val writer = description.inputWriter()
            for (picture in job["pictures"] as List<*>) {
                picture as Map<*, *>
                val rgb = File(picture["picture"] as String).readBytes()
                engine.input.rewind()
                writer.write(RgbPicture((picture["width"] as Long).toInt(), (picture["height"] as Long).toInt(), rgb), engine.input)
                File(picture["tensor"] as String).writeBytes(whole(engine.input))
                engine.run()
                File(picture["output"] as String).writeBytes(whole(engine.output))
            }
            val said = engine.description
            return mapOf("replaced" to said.replaced?.map { it.toJson() }, "version" to said.runtimeVersion)
        }
    }

    private fun whole(buffer: ByteBuffer): ByteArray {
        val all = buffer.duplicate()
        all.clear()
        return ByteArray(all.capacity()).also { all.get(it) }
    }
}
