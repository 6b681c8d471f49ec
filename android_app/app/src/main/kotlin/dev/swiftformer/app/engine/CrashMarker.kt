package dev.swiftformer.app.engine

import android.system.ErrnoException
import android.system.Os
import java.io.File
import java.io.FileOutputStream
import java.io.IOException

/**
 * Remembers across the process's death what was being tried when it died.
 *
 * A delegate's driver can take the whole process down, and no handler in it sees that. So before a delegate is tried
 * its name is written to storage, synchronously, and taken away once it has given a right answer: what is found at the
 * next start has killed the process, and is not tried again until the user asks for it.
 *
 * @param file in a folder that is not backed up.
 */
class CrashMarker(private val file: File) {
    private val refused = HashSet<String>()

    init {
        // What was being tried when the process last ended.
        try {
            if (file.exists()) refused.addAll(file.readText().take(MAX_LENGTH).lines().filter { it.isNotBlank() })
        } catch (e: IOException) {
            refused.clear()
        }
    }

    /** Whether [attempt] killed the process, at its last start or an earlier one. */
    fun crashed(attempt: String): Boolean = attempt in refused

    /** Writes that [attempt] begins; on return it is on storage. */
    fun begin(attempt: String) = write(refused + attempt)

    /** The attempt ended without killing the process: with a right answer, or with a refusal. */
    fun end() = write(refused)

    /** The user asks for [attempt] again: what it did before no longer counts. */
    fun forget(attempt: String) {
        if (refused.remove(attempt)) write(refused)
    }

    private fun write(lines: Set<String>) {
        try {
            FileOutputStream(file).use { out ->
                out.write(lines.joinToString("\n").toByteArray())
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
        const val MAX_LENGTH = 4096
    }
}
