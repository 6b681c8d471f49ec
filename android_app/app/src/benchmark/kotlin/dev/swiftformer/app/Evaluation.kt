package dev.swiftformer.app

import android.graphics.BitmapFactory
import android.media.ExifInterface
import dev.swiftformer.app.model.asRgb
import dev.swiftformer.core.BenchmarkResult
import dev.swiftformer.core.InferenceEngine
import dev.swiftformer.core.ModelDescription
import dev.swiftformer.core.PreprocessingException
import dev.swiftformer.core.Scores
import java.io.File
import java.io.IOException
import java.security.MessageDigest

/**
 * Scores of every picture in a folder, for the host to work accuracy out.
 *
 * @param goOn is asked before each; what it throws ends the evaluation.
 */
class Evaluation(private val model: ModelDescription, private val engine: InferenceEngine, private val goOn: () -> Unit = {}) {
    private val writer = model.inputWriter()
    private val scores = Scores(model.output, model.card.outputKind)

    /** One entry a file, by name; folders inside [folder] are left out. */
    fun of(folder: File): List<BenchmarkResult.Evaluated> {
        val files = folder.listFiles()?.filter { it.isFile }?.sortedBy { it.name }
            ?: return listOf(BenchmarkResult.Evaluated(folder.path, null, null, "cannot be listed"))
        return files.map {
            goOn()
            one(it)
        }
    }

    private fun one(file: File): BenchmarkResult.Evaluated {
        fun failed(why: String) = BenchmarkResult.Evaluated(file.name, null, null, why)
        return try {
            val options = BitmapFactory.Options().apply {
                inScaled = false
                inPremultiplied = false
            }
            val decoded = BitmapFactory.decodeFile(file.path, options) ?: return failed("not a picture")
            val orientation = try {
                ExifInterface(file.path).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
            } catch (e: IOException) {  // a format without EXIF
                ExifInterface.ORIENTATION_NORMAL
            }
            // Turned as it is read: a bitmap that is not premultiplied cannot be drawn.
            writer.write(decoded.asRgb(orientation), engine.input)
            val input = sha256()
            engine.run()
            scores.read(engine.output)
            BenchmarkResult.Evaluated(file.name, scores.values.copyOf(), input, null)
        } catch (e: PreprocessingException) {
            failed(e.message.orEmpty())
        } catch (e: OutOfMemoryError) {
            failed("not enough memory")
        } catch (e: RuntimeException) {  // of this picture; the others may do
            failed("${e.javaClass.simpleName}: ${e.message}")
        }
    }

    private fun sha256(): String {
        val bytes = engine.input.duplicate()
        bytes.clear()
        val digest = MessageDigest.getInstance("SHA-256")
        digest.update(bytes)
        return digest.digest().joinToString("") { "%02x".format(it) }
    }
}
