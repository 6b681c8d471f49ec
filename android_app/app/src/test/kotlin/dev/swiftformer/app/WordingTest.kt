package dev.swiftformer.app

import android.content.res.Configuration
import android.content.res.Resources
import dev.swiftformer.app.engine.Processor
import dev.swiftformer.app.screen.Wording
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.Replacement
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.util.Locale

/** Every kind of problem and reason has a sentence in both languages, and the colours can be read. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
class WordingTest {
    private fun resources(language: String, night: Boolean = false): Resources {
        val configuration = Configuration(app.resources.configuration)
        configuration.setLocale(Locale.forLanguageTag(language))
        val mode = if (night) Configuration.UI_MODE_NIGHT_YES else Configuration.UI_MODE_NIGHT_NO
        configuration.uiMode = configuration.uiMode and Configuration.UI_MODE_NIGHT_MASK.inv() or mode
        return app.createConfigurationContext(configuration).resources
    }

    @Test
    fun everyModelProblemHasASentenceWithItsArguments() {
        for (language in listOf("en", "ko")) for (kind in ModelProblem.Kind.values()) {
            val words = Wording(resources(language)).model(ModelProblem(kind, "a.tflite", listOf("first", "second")))
            assertTrue("$language $kind: $words", "a.tflite" in words && "%" !in words && words.length > 8)
            val short = Wording(resources(language)).model(ModelProblem(kind, "a.tflite"))
            assertFalse("$kind: $short", "%" in short)
            val takes = kind.let { ModelProblem(it, "", listOf("first", "second")).message }
            if ("first" in takes) assertTrue("$language $kind: $words", "first" in words)
            if ("second" in takes) assertTrue("$language $kind: $words", "second" in words)
        }
    }

    @Test
    fun everyFallbackHasASentence() {
        for (language in listOf("en", "ko")) for (kind in FallbackReason.Kind.values()) {
            val words = Wording(resources(language))
            val said = words.because(FallbackReason(kind, DelegateChoice(DelegateKind.GPU), listOf("first", "second")))
            assertTrue("$language $kind: $said", said.length > 8 && "%" !in said && "GPU" in said)
            words.because(FallbackReason(kind, DelegateChoice(DelegateKind.GPU)))
            words.because(FallbackReason(kind, DelegateChoice(DelegateKind.GPU), listOf("\n\u202e" + "x".repeat(5000))))
        }
    }

    @Test
    fun numbersAndPluralsAreRight() {
        fun runs(language: String, taken: Int, total: Int, threads: Int) = Wording(resources(language)).runsOn(
            EngineDescription(DelegateChoice(DelegateKind.CPU, threads), listOf(Replacement("XNNPack", taken, total, 1))), emptyList(),
        )
        assertEquals("CPU with XNNPACK, 1 thread: 1 of 1 operator", runs("en", 1, 1, 1))
        assertEquals("CPU with XNNPACK, 4 threads: 350 of 353 operators", runs("en", 350, 353, 4))
        assertEquals("CPU(XNNPACK, 스레드 4개): 연산 353개 중 350개", runs("ko", 350, 353, 4))
    }

    @Test
    fun differencesAreShortAndNeverRoundedDownToTheirBound() {
        fun wrong(vararg arguments: String) = Wording(resources("en")).because(
            FallbackReason(FallbackReason.Kind.WRONG_ANSWER, DelegateChoice(DelegateKind.GPU), arguments.toList()),
        )
        assertEquals("GPU calculates something else: off by 0.31 where 0.05 is allowed.", wrong("0.30000019", "0.05"))
        assertEquals("GPU calculates something else: off by 0.051 where 0.05 is allowed.", wrong("0.050000001", "0.05"))
        assertEquals("GPU calculates something else: off by 1300 where 0.0001 is allowed.", wrong("1234.5", "1.0E-4"))
        assertEquals("GPU calculates something else: off by NaN where x is allowed.", wrong("NaN", "x"))
    }

    @Test
    fun xnnpackIsLeftOutOnlyWhereItBreaks() {
        fun breaks(abi: String, vararg flags: String, version: String = "2.16.1") =
            Processor.breaksXnnpack(abi, flags.toSet()) { version }
        assertTrue(breaks("x86_64", "sse2", "avx512f"))
        assertFalse(breaks("x86_64", "sse2", "avx512f", version = "2.17.0"))
        assertFalse(breaks("x86_64", "sse2", "avx2"))
        assertFalse(breaks("arm64-v8a", "avx512f"))
        assertFalse(breaks(""))
    }

    /** WCAG 2.1, success criterion 1.4.3: 4.5 to 1. */
    @Test
    fun everyTextCanBeReadOnItsSurface() {
        val pairs = listOf(
            R.color.on_surface to R.color.surface, R.color.on_surface_soft to R.color.surface,
            R.color.on_surface to R.color.surface_raised, R.color.on_accent to R.color.accent, R.color.accent to R.color.surface,
            R.color.on_warning to R.color.warning_surface,
        )
        for (night in listOf(false, true)) {
            val colors = resources("en", night)
            for ((text, surface) in pairs) {
                val ratio = contrast(colors.getColor(text, null), colors.getColor(surface, null))
                assertTrue("${colors.getResourceEntryName(text)} on ${colors.getResourceEntryName(surface)}, night $night: $ratio", ratio >= 4.5)
            }
        }
    }

    private fun contrast(one: Int, other: Int): Double {
        val (light, dark) = listOf(luminance(one), luminance(other)).sortedDescending()
        return (light + 0.05) / (dark + 0.05)
    }

    private fun luminance(color: Int): Double = listOf(16 to 0.2126, 8 to 0.7152, 0 to 0.0722).sumOf { (shift, weight) ->
        val channel = (color shr shift and 255) / 255.0
        weight * if (channel <= 0.04045) channel / 12.92 else Math.pow((channel + 0.055) / 1.055, 2.4)
    }
}
