package dev.swiftformer.core

import java.io.File
import java.io.IOException

/** What the kernel says of this process in [folder] (proc(5)); null where it does not. */
class OwnProcess(private val folder: File = File("/proc/self")) {
    /**
     * The largest resident set since the process began, in KiB (`VmHWM`): no peak between two readings is missed. Pages
     * that other processes share count in full.
     */
    fun peakResidentKib(): Long? =
        lines("status").firstNotNullOfOrNull { PEAK.matchEntire(it) }?.groupValues?.get(1)?.toLongOrNull()

    /** The set of cores that it may run on, by its name, such as `/top-app` of the app on the screen. */
    fun cpuset(): String? = lines("cpuset").firstOrNull()?.takeIf { CPUSET.matches(it) }

    private fun lines(name: String): List<String> = try {
        File(folder, name).readLines()
    } catch (e: IOException) {
        emptyList()
    }

    private companion object {
        val PEAK = Regex("VmHWM:\\s*([0-9]{1,15}) kB")
        val CPUSET = Regex("/[A-Za-z0-9_./-]{0,99}")
    }
}
