package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class OwnProcessTest {
    @TempDir
    lateinit var folder: File

    private fun said(status: String, cpuset: String): OwnProcess {
        File(folder, "status").writeText(status)
        File(folder, "cpuset").writeText(cpuset)
        return OwnProcess(folder)
    }

    @Test
    fun thePeakIsTheLargestAndNotTheSizeNow() {
        val found = said("Name:\tapp\nVmPeak:\t 9000000 kB\nVmHWM:\t  123456 kB\nVmRSS:\t   99999 kB\n", "/top-app\n")
        assertEquals(123_456L, found.peakResidentKib())
        assertEquals("/top-app", found.cpuset())
    }

    @Test
    fun whatIsNotSaidIsNull() {
        assertNull(OwnProcess(File(folder, "none")).peakResidentKib())
        assertNull(OwnProcess(File(folder, "none")).cpuset())
        for (odd in listOf("", "VmHWM: many kB\n", "VmHWM:\t99999999999999999999 kB\n")) assertNull(said(odd, "").peakResidentKib())
        for (odd in listOf("", "top-app", "/a b", "/\u001b[2J", "/" + "x".repeat(200))) assertNull(said("", odd).cpuset())
    }

    /** Memory that was let go again still counts. */
    @Test
    fun aPeakStaysWhenItIsOver() {
        val before = OwnProcess().peakResidentKib()!!
        assertEquals(1, ByteArray(64 shl 20) { it.toByte() }[1].toInt())
        val during = OwnProcess().peakResidentKib()!!
        System.gc()
        assertTrue(OwnProcess().peakResidentKib()!! >= during && during >= before) { "$before $during" }
    }
}
