package dev.swiftformer.core

import org.tensorflow.lite.support.metadata.MetadataExtractor
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/**
 * The files behind a model (its card and labels), as TensorFlow Lite's own metadata reader finds them.
 *
 * That reader trusts its file; it is given only what [TfliteStructure] has checked, a duplicate with its position at 0 (it
 * moves the position), and whatever it throws becomes a [ModelProblem].
 */
internal class AssociatedFiles private constructor(private val extractor: MetadataExtractor, private val where: String) {

    /** Empty where no archive lies behind the model. */
    val names: Set<String> = try {
        extractor.associatedFileNames ?: emptySet()
    } catch (_: IllegalStateException) {
        emptySet()
    }

    /**
     * A file's text, or null where there is none of that name.
     *
     * @throws ModelProblemException it is larger than [limit] bytes, no UTF-8, or cannot be read; [bad] says how.
     */
    fun text(name: String, limit: Int, bad: ModelProblem.Kind): String? {
        if (name !in names) return null
        val bytes = guarded(where) {
            val kept = ByteArrayOutputStream()
            val piece = ByteArray(8192)
            extractor.getAssociatedFile(name).use { stream ->
                while (kept.size() <= limit) {
                    val count = stream.read(piece)
                    if (count <= 0) break
                    kept.write(piece, 0, count)
                }
            }
            kept.toByteArray()
        }
        if (bytes.size > limit) refuse(bad, "$name has more than $limit bytes")
        return try {
            Charsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(bytes)).toString()
        } catch (_: CharacterCodingException) {
            refuse(bad, "$name is no UTF-8 text")
        }
    }

    private fun refuse(kind: ModelProblem.Kind, what: String): Nothing =
        throw ModelProblemException(ModelProblem(kind, where, listOf(what)))

    companion object {
        /** @throws ModelProblemException the archive behind the model is damaged. */
        fun open(file: ByteBuffer, where: String): AssociatedFiles = guarded(where) {
            val whole = file.duplicate()
            whole.clear()
            AssociatedFiles(MetadataExtractor(whole), where)
        }

        /** The reader's failures, which are of many kinds and none documented, as one. */
        private fun <T> guarded(where: String, call: () -> T): T = try {
            call()
        } catch (error: ModelProblemException) {
            throw error
        } catch (error: Exception) {
            throw damaged(where, error)
        } catch (error: OutOfMemoryError) {
            throw damaged(where, error)
        } catch (error: StackOverflowError) {
            throw damaged(where, error)
        } catch (error: AssertionError) {
            throw damaged(where, error)
        }

        private fun damaged(where: String, error: Throwable): ModelProblemException = ModelProblemException(
            ModelProblem(
                ModelProblem.Kind.BAD_METADATA, where, listOf(shown(error.message ?: error.javaClass.simpleName, 100)),
            )
        )
    }
}
