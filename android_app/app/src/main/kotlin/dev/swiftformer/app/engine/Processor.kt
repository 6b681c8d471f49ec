package dev.swiftformer.app.engine

import android.os.Build
import java.io.File
import java.io.IOException

/** What the app has to know of the processor it runs on. */
object Processor {
    /**
     * Whether XNNPACK of TFLite 2.16.1 would kill the process: its x86 kernels for AVX-512 load parameters from
     * addresses that are not aligned as the instruction demands. Phones have no such processor, emulators may. Of other
     * versions it is not known: what kills the process there is left by the crash count.
     *
     * @param version the library's own, asked for only where it decides.
     */
    fun breaksXnnpack(version: () -> String): Boolean =
        breaksXnnpack(Build.SUPPORTED_ABIS.firstOrNull().orEmpty(), flags(), version)

    /** The same of an ABI and the words of /proc/cpuinfo. */
    fun breaksXnnpack(abi: String, flags: Set<String>, version: () -> String): Boolean =
        abi.startsWith("x86") && "avx512f" in flags && version() == BREAKING_VERSION

    private const val BREAKING_VERSION = "2.16.1"

    private fun flags(): Set<String> = try {
        File("/proc/cpuinfo").useLines { lines ->
            val line = lines.firstOrNull { it.startsWith("flags") }.orEmpty()
            line.substringAfter(':').trim().split(' ').toSet()
        }
    } catch (e: IOException) {
        emptySet()
    }

    /** Threads that may be chosen: one a core, and not more than are ever faster. */
    fun mostThreads(): Int = Runtime.getRuntime().availableProcessors().coerceIn(1, 8)

    /** What is best on most phones: their big cores, of which there are up to four. */
    fun usualThreads(): Int = (mostThreads() / 2).coerceIn(1, 4)
}
