package dev.swiftformer.app.engine

import dev.swiftformer.core.AttemptStore
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.StandardCopyOption

/**
 * [AttemptStore] in a file, on storage before [write] returns: a driver that takes the process down leaves no time for
 * anything later. Another file takes the old one's place, whole: it may come down while it writes, too.
 *
 * @param file in a folder that is not backed up.
 */
class FileAttemptStore(private val file: File) : AttemptStore {
    private val fresh = File(file.path + ".new")

    override fun read(): String = try {
        if (file.length() in 1..MAX_BYTES) file.readText() else ""
    } catch (e: IOException) {
        ""
    }

    override fun write(text: String) {
        try {
            FileOutputStream(fresh).use { out ->
                out.write(text.toByteArray())
                out.fd.sync()
            }
            Files.move(fresh.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE)
            // The folder's new entry on storage, too: a driver may take the whole system down.
            FileChannel.open(file.absoluteFile.parentFile!!.toPath()).use { it.force(true) }
        } catch (e: IOException) {
            // Storage is full: trying without the marker beats not trying at all.
        }
    }

    private companion object {
        const val MAX_BYTES = 1L shl 18
    }
}
