package dev.swiftformer.app

import dev.swiftformer.app.engine.Nnapi
import dev.swiftformer.core.EngineException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.fail
import org.junit.Test

/** How NNAPI is asked on each API level. The sentences are those of TFLite 2.16.1's delegate. */
class NnapiTest {
    private val complaint = "Internal error: Failed to apply delegate: Could not find the specified NNAPI accelerator: x. " +
        "Must be one of: {nnapi-reference,google-edgetpu,qti-dsp}."

    private fun neverAsked(): String? {
        fail("names are not known before API level 29")
        return null
    }

    @Test
    fun thereIsNoneBeforeAndroid81() {
        val refused = assertThrows(EngineException::class.java) { Nnapi.accelerator(26) { neverAsked() } }
        assertEquals(Nnapi.TOO_OLD, refused.message)
    }

    @Test
    fun on27And28NobodyKnowsWhatComputes() {
        for (sdk in 27..28) {
            val accelerator = Nnapi.accelerator(sdk) { neverAsked() }
            assertNull(accelerator)
            val options = Nnapi.options(accelerator, true)
            assertNull(options.acceleratorName)
        }
    }

    @Test
    fun from29OnAnAcceleratorIsNamedAndItsCpuKeptOut() {
        for (sdk in listOf(29, 30, 33, 36)) {
            val accelerator = Nnapi.accelerator(sdk) { complaint }
            assertEquals("google-edgetpu", accelerator)
            val options = Nnapi.options(accelerator, true)
            assertEquals("google-edgetpu", options.acceleratorName)
            assertEquals(false, options.useNnapiCpu)
        }
    }

    @Test
    fun itsOwnCpuIsNoAccelerator() {
        for (said in listOf(
            "Must be one of: {nnapi-reference}.", "Must be one of: {}.", "NNAPI delegate requested but no accelerators available.", "", null,
        )) {
            assertEquals(Nnapi.NONE, assertThrows(EngineException::class.java) { Nnapi.accelerator(29) { said } }.message)
        }
    }

    @Test
    fun namesAreReadAsTheDelegateWritesThem() {
        assertEquals(listOf("nnapi-reference", "google-edgetpu", "qti-dsp"), Nnapi.namesIn(complaint))
        assertEquals(emptyList<String>(), Nnapi.namesIn("Must be one of: {"))
    }
}
