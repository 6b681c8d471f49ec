package dev.swiftformer.app.engine

import android.system.ErrnoException
import android.system.Os
import dev.swiftformer.core.AttemptStore
import java.io.File
import java.io.FileOutputStream
import java.io.IOException

/**
 * [AttemptStore] in a file, on storage before [write] returns: a driver that takes the process down leaves no time for
 * anything later.
 *
 * @param file in a folder that is not backed up.
 */
class FileAttemptStore(private val file: File) : AttemptStore {
    override fun read(): String = try {
        if (file.length() in 1..MAX_BYTES) file.readText() else ""
    } catch (e: IOException) {
        ""
    }

    override fun write(text: String) {
        try {
            FileOutputStream(file).use { out ->
                out.write(text.toByteArray())
                out.flush()
                Os.fsync(out.fd)
            }
        } catch (e: IOException) {
            // Storage is full: trying without the marker beats not trying at all.
        } catch (e: ErrnoException) {
            // The same.
        }
    }

    private companion object {
        const val MAX_BYTES = 1L shl 18
    }
}
