package dev.swiftformer.app.model

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import dev.swiftformer.core.ModelDescription
import dev.swiftformer.core.ModelFile
import dev.swiftformer.core.ModelIndex
import dev.swiftformer.core.ModelIndexException
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.ModelProblemException
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer

/** A checked model file and its bytes, which the interpreter reads as long as it lives. */
class OpenModel(val description: ModelDescription, val bytes: ByteBuffer)

/** Where the bundle's files are read from, by their plain names. */
interface BundleFiles {
    /** @throws FileNotFoundException there is no such file. */
    fun open(name: String): InputStream

    /** The whole file, mapped or read into a direct buffer. */
    fun map(name: String): ByteBuffer
}

/** The models in the app, as its index lists them. Everything here blocks; call it on a worker. */
class ModelLibrary(private val files: BundleFiles) {
    /**
     * The list of models; empty when the app was built without one.
     *
     * @throws ModelIndexException the index is damaged.
     * @throws ModelProblemException there is no memory for it.
     */
    fun index(): ModelIndex {
        return try {
            ModelIndex.parse(files.open(INDEX).use { it.readBytes() }.toString(Charsets.UTF_8))
        } catch (e: FileNotFoundException) {
            ModelIndex(emptyList())
        } catch (e: IOException) {
            throw ModelIndexException("cannot be read")
        } catch (e: OutOfMemoryError) {
            throw ModelProblemException(ModelProblem(ModelProblem.Kind.NO_MEMORY, INDEX))
        }
    }

    /**
     * Opens a model and checks all of it against the index.
     *
     * @throws ModelProblemException it cannot be used, and why.
     */
    fun open(entry: ModelIndex.Entry): OpenModel {
        return try {
            val bytes = files.map(entry.file)
            OpenModel(ModelFile.read(bytes, entry.file, entry.sha256), bytes)
        } catch (e: IOException) {
            val reason = e.message ?: e.javaClass.simpleName
            throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, entry.file, listOf(reason)))
        } catch (e: OutOfMemoryError) {  // a packer that compressed it: then it is read, not mapped; or its labels
            throw ModelProblemException(ModelProblem(ModelProblem.Kind.NO_MEMORY, entry.file))
        }
    }

    /** The picture that a model must answer as recorded, opaque; null where there is none that can be read. */
    fun goldenPicture(golden: ModelIndex.Golden): Bitmap? = try {
        val options = BitmapFactory.Options().apply {
            inScaled = false
            inPreferredConfig = Bitmap.Config.ARGB_8888
        }
        files.open(golden.picture).use { BitmapFactory.decodeStream(it, null, options) }
    } catch (e: IOException) {
        null
    }

    private companion object {
        const val INDEX = "index.json"
    }
}
