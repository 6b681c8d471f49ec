package dev.swiftformer.app.model

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import dev.swiftformer.core.ModelDescription
import dev.swiftformer.core.ModelFile
import dev.swiftformer.core.ModelIndex
import dev.swiftformer.core.ModelIndexException
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.ModelProblemException
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** A checked model file and its bytes, which the interpreter reads as long as it lives. */
class OpenModel(val description: ModelDescription, val bytes: ByteBuffer)

/** The models in the app: `assets/models`, as its index lists them. Everything here blocks; call it on a worker. */
class ModelLibrary(private val assets: AssetManager) {
    /**
     * The list of models; empty when the app was built without one.
     *
     * @throws ModelIndexException the index is damaged.
     */
    fun index(): ModelIndex {
        val text = try {
            assets.open("$FOLDER/$INDEX").use { it.readBytes() }.toString(Charsets.UTF_8)
        } catch (e: FileNotFoundException) {
            return ModelIndex(emptyList())
        } catch (e: IOException) {
            throw ModelIndexException("cannot be read")
        }
        return ModelIndex.parse(text)
    }

    /**
     * Opens a model and checks all of it against the index.
     *
     * @throws ModelProblemException it cannot be used, and why.
     */
    fun open(entry: ModelIndex.Entry): OpenModel {
        val bytes = try {
            bytesOf("$FOLDER/${entry.file}")
        } catch (e: IOException) {
            val reason = e.message ?: e.javaClass.simpleName
            throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, entry.file, listOf(reason)))
        }
        return OpenModel(ModelFile.read(bytes, entry.file, entry.sha256), bytes)
    }

    /** The picture that a model must answer as recorded, opaque; null where there is none that can be read. */
    fun goldenPicture(golden: ModelIndex.Golden): Bitmap? = try {
        val options = BitmapFactory.Options().apply {
            inScaled = false
            inPreferredConfig = Bitmap.Config.ARGB_8888
        }
        assets.open("$FOLDER/${golden.picture}").use { BitmapFactory.decodeStream(it, null, options) }
    } catch (e: IOException) {
        null
    }

    private fun bytesOf(path: String): ByteBuffer {
        try {
            assets.openFd(path).use { file ->
                FileInputStream(file.fileDescriptor).channel.use { channel ->
                    return channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                }
            }
        } catch (e: FileNotFoundException) {
            // An asset that the packer compressed has no place to map: it is read instead.
            return read(path)
        }
    }

    private fun read(path: String): ByteBuffer {
        val content = assets.open(path).use { it.readBytes() }
        val bytes = ByteBuffer.allocateDirect(content.size).order(ByteOrder.nativeOrder())
        bytes.put(content).rewind()
        return bytes
    }

    private companion object {
        const val FOLDER = "models"
        const val INDEX = "index.json"
    }
}
