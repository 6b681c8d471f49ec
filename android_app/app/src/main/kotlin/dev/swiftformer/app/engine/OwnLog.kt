package dev.swiftformer.app.engine

import android.os.Process
import android.util.Log
import java.io.IOException
import java.util.concurrent.TimeUnit

/**
 * What this process wrote into the system's log: the only place where TFLite says how many operators a delegate took.
 *
 * An app reads its own lines without any permission.
 */
interface OwnLog {
    /** Writes a line that [since] finds again. */
    fun mark(): String

    /** The lines of TFLite's tag after [mark], oldest first; null where they cannot be read. */
    fun since(mark: String): List<String>?
}

/** [OwnLog] by the system's `logcat`. */
class Logcat : OwnLog {
    override fun mark(): String {
        val mark = "mark " + System.nanoTime()
        Log.i(MARK_TAG, mark)
        return mark
    }

    override fun since(mark: String): List<String>? {
        // The log's daemon takes a line a moment after it is written; the mark and what follows it are in order.
        for (attempt in 1..ATTEMPTS) {
            val lines = read() ?: return null
            val at = lines.indexOfLast { it.endsWith(mark) }
            if (at >= 0 && (attempt == ATTEMPTS || lines.size > at + 1)) return lines.drop(at + 1)
            Thread.sleep(RETRY_MS)
        }
        return null
    }

    private fun read(): List<String>? {
        val command = arrayOf(
            "logcat", "-d", "-v", "tag", "--pid=" + Process.myPid(), "-s", "$TFLITE_TAG:V", "$MARK_TAG:I",
        )
        val started = try {
            Runtime.getRuntime().exec(command)
        } catch (e: IOException) {
            return null
        }
        try {
            val lines = started.inputStream.bufferedReader().use { it.readLines() }
            return if (started.waitFor(TIMEOUT_S, TimeUnit.SECONDS) && started.exitValue() == 0) lines else null
        } catch (e: IOException) {
            return null
        } finally {
            started.destroy()
        }
    }

    private companion object {
        const val TFLITE_TAG = "tflite"
        const val MARK_TAG = "SwiftFormer"
        const val ATTEMPTS = 3
        const val RETRY_MS = 60L
        const val TIMEOUT_S = 2L
    }
}
