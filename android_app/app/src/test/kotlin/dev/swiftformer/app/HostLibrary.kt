package dev.swiftformer.app

import dev.swiftformer.app.engine.OwnLog
import java.io.File

/**
 * TFLite 2.16.1 itself: Android's x86-64 library on the desktop, as `tests/android_runtime/host.py` makes it ready.
 *
 * The property `tflite.host` names the folder of the stand-ins for Android's C library; the variable ANDROID_LOG, where it
 * is given, the file into which they write the log.
 */
object HostLibrary {
    private val folder: String? get() = System.getProperty("tflite.host")

    val isThere: Boolean get() = folder != null

    /** Before TFLite is touched. A JVM that has the folder in LD_LIBRARY_PATH loads the same files once more: no harm. */
    fun load() {
        for (name in listOf("libc.so", "libm.so", "libdl.so", "liblog.so")) System.load(File(folder!!, name).absolutePath)
    }

    /** The log of this process; one that cannot be read where the stand-ins write none. */
    val log: OwnLog get() = FileLog(System.getenv("ANDROID_LOG")?.let { File(it) })

    /** [OwnLog] in a file in the format of `logcat -v tag`; a mark is the length that it had. */
    private class FileLog(private val file: File?) : OwnLog {
        override fun mark(): String = (file?.length() ?: 0L).toString()

        override fun since(mark: String): List<String>? {
            if (file == null || !file.isFile) return null
            return String(file.readBytes().drop(mark.toInt()).toByteArray()).lines().filter { "/tflite:" in it }
        }
    }
}
