package dev.swiftformer.core

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction
import java.util.zip.CRC32

/**
 * The files behind a model (its card and labels): a zip archive whose offsets count from the beginning of the file, its
 * entries stored and not compressed, as TFLite metadata have them.
 *
 * TensorFlow Lite's own reader (MetadataExtractor 0.4.4) trusts the archive: a directory that lies makes it fill the memory.
 * Here every offset is checked, and the content against its CRC-32; the tests compare the two on whole files.
 */
internal class AssociatedFiles private constructor(
    private val data: FlatBytes, private val directory: Long, private val entries: List<Entry>, private val where: String,
) {
    private class Entry(
        val name: String, val flags: Int, val method: Int, val crc: Long, val packed: Long, val size: Long, val local: Long,
    )

    /** In the archive's order; a name may be there twice. */
    val names: List<String> get() = entries.map { it.name }

    /**
     * A file's text, or null where there is none of that name.
     *
     * @throws ModelProblemException it is there twice, encrypted, compressed, damaged, larger than [limit] bytes or no UTF-8.
     */
    fun text(name: String, limit: Int, bad: ModelProblem.Kind): String? {
        val found = entries.filter { it.name == name }
        if (found.isEmpty()) return null
        val shownName = shown(name, 60)
        if (found.size > 1) refuse(ModelProblem.Kind.BAD_METADATA, "${found.size} files named $shownName")
        val entry = found[0]
        if (entry.size > limit) refuse(bad, "$shownName has ${entry.size} bytes, and $limit are the most")
        val bytes = try {
            content(entry)
        } catch (error: FlatException) {
            refuse(ModelProblem.Kind.BAD_METADATA, "$shownName: ${error.message}")
        }
        return try {
            Charsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT).decode(ByteBuffer.wrap(bytes)).toString()
        } catch (_: CharacterCodingException) {
            refuse(bad, "$shownName is no UTF-8 text")
        }
    }

    private fun content(entry: Entry): ByteArray {
        if (entry.flags and 1 != 0) throw FlatException("it is encrypted")
        if (entry.method != 0 || entry.packed != entry.size) throw FlatException("it is compressed")
        if (data.int(entry.local) != LOCAL_HEADER) throw FlatException("its header is not where the directory says")
        val start = entry.local + 30 + data.unsignedShort(entry.local + 26) + data.unsignedShort(entry.local + 28)
        if (start + entry.size > directory) throw FlatException("it lies outside the archive")
        val bytes = ByteArray(entry.size.toInt()) { data.data.get((start + it).toInt()) }
        val crc = CRC32()
        crc.update(bytes, 0, bytes.size)
        if (crc.value != entry.crc) throw FlatException("its content was changed")
        return bytes
    }

    private fun refuse(kind: ModelProblem.Kind, what: String): Nothing =
        throw ModelProblemException(ModelProblem(kind, where, listOf(what)))

    companion object {
        const val MAX_FILES = 64
        private const val END_RECORD = 0x06054b50
        private const val DIRECTORY_HEADER = 0x02014b50
        private const val LOCAL_HEADER = 0x04034b50
        private const val MAX_COMMENT = 65_535

        /** @throws ModelProblemException the archive behind the model is damaged. */
        fun open(file: ByteBuffer, where: String): AssociatedFiles {
            val data = FlatBytes(file)
            return try {
                read(data, where)
            } catch (error: FlatException) {
                throw ModelProblemException(
                    ModelProblem(ModelProblem.Kind.BAD_METADATA, where, listOf("the files behind the model: ${error.message}"))
                )
            }
        }

        private fun read(data: FlatBytes, where: String): AssociatedFiles {
            val end = endRecord(data)
            if (end < 0) return AssociatedFiles(data, 0, emptyList(), where)
            val count = data.unsignedShort(end + 10)
            val directory = data.unsignedInt(end + 16)
            if (count > MAX_FILES) throw FlatException("$count files, and $MAX_FILES are the most")
            val directoryEnd = directory + data.unsignedInt(end + 12)
            if (directoryEnd > end) throw FlatException("their directory lies outside the archive")
            var at = directory
            val entries = List(count) {
                if (at + 46 > directoryEnd || data.int(at) != DIRECTORY_HEADER) throw FlatException("their directory is damaged")
                val nameBytes = data.unsignedShort(at + 28)
                val next = at + 46 + nameBytes + data.unsignedShort(at + 30) + data.unsignedShort(at + 32)
                if (next > directoryEnd) throw FlatException("their directory is damaged")
                val entry = Entry(
                    data.text(FlatVector(at + 46, nameBytes)), data.unsignedShort(at + 8), data.unsignedShort(at + 10),
                    data.unsignedInt(at + 16), data.unsignedInt(at + 20), data.unsignedInt(at + 24), data.unsignedInt(at + 42),
                )
                at = next
                entry
            }
            return AssociatedFiles(data, directory, entries, where)
        }

        /** Where the archive's end record begins, behind which only its comment lies; -1 where there is no archive. */
        private fun endRecord(data: FlatBytes): Long {
            var at = data.size - 22L
            val first = maxOf(0L, at - MAX_COMMENT)
            while (at >= first) {
                if (data.int(at) == END_RECORD && at + 22 + data.unsignedShort(at + 20) == data.size.toLong()) return at
                at--
            }
            return -1
        }
    }
}
