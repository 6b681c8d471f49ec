package dev.swiftformer.app.engine

import android.os.Process
import android.util.Log
import java.io.IOException
import java.util.concurrent.ExecutionException
import java.util.concurrent.FutureTask
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException
import kotlin.concurrent.thread

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

/**
 * What [start] makes, given the reading of what TFLite wrote since it began; null where that cannot be read.
 *
 * One at a time in the whole process: a line does not say which engine it is of.
 */
fun <T> OwnLog.during(start: (() -> List<String>?) -> T): T = synchronized(STARTING) {
    val mark = mark()
    start { since(mark) }
}

private val STARTING = Any()

/**
 * [OwnLog] by the system's `logcat`.
 *
 * @param start starts what prints this process's lines of both tags and ends.
 * @param timeoutMs how long that may take.
 */
class Logcat(
    private val start: () -> java.lang.Process = { logcat() },
    private val timeoutMs: Long = 2000,
) : OwnLog {
    override fun mark(): String {
        val mark = "mark " + System.nanoTime()
        Log.i(MARK_TAG, mark)
        return mark
    }

    override fun since(mark: String): List<String>? {
        // The log's daemon takes a line a moment after it is written; the mark and what follows it are in order. A delegate
        // says that it was made before it says what it took.
        for (attempt in 1..ATTEMPTS) {
            val lines = read() ?: return null
            val at = lines.indexOfLast { it.endsWith(mark) }
            val since = if (at >= 0) lines.drop(at + 1) else null
            if (since != null && (attempt == ATTEMPTS || since.any { TAKEN in it })) return since
            if (attempt < ATTEMPTS) Thread.sleep(RETRY_MS)
        }
        return null
    }

    /** On a thread of its own: a `logcat` that hangs, or leaves its output open, must not hold the engine's thread. */
    private fun read(): List<String>? {
        val started = try {
            start()
        } catch (e: IOException) {
            return null
        }
        val lines = FutureTask {
            val all = started.inputStream.bufferedReader().use { it.readLines() }
            if (started.waitFor() == 0) all else null
        }
        thread(name = "logcat", isDaemon = true) { lines.run() }
        return try {
            lines.get(timeoutMs, TimeUnit.MILLISECONDS)
        } catch (e: TimeoutException) {
            null
        } catch (e: ExecutionException) {
            null
        } finally {
            started.destroyForcibly()
        }
    }

    private companion object {
        const val TFLITE_TAG = "tflite"
        const val MARK_TAG = "SwiftFormer"
        const val TAKEN = "Replacing "
        const val ATTEMPTS = 3
        const val RETRY_MS = 60L

        fun logcat(): java.lang.Process = Runtime.getRuntime().exec(
            arrayOf("logcat", "-d", "-v", "tag", "--pid=" + Process.myPid(), "-s", "$TFLITE_TAG:V", "$MARK_TAG:I"),
        )
    }
}
