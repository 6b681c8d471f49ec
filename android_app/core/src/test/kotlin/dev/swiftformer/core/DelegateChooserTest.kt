package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Every way a delegate can fail, and that the CPU then runs and the reason is said. */
class DelegateChooserTest {
    private val gpu = DelegateChoice(DelegateKind.GPU, 2)
    private val cpu = DelegateChoice(DelegateKind.CPU, 2)
    private val plain = cpu.copy(xnnpack = false)
    private val store = Memory()
    private val golden = ModelIndex.Golden("golden.png", floatArrayOf(1f, 2f, 3f), 0.05f)

    private class Memory(var text: String = "") : AttemptStore {
        override fun read() = text
        override fun write(text: String) {
            this.text = text
        }
    }

    private class Engine(
        choice: DelegateChoice, private val logits: FloatArray, replaced: List<Replacement>?, private val closing: () -> Unit,
    ) : InferenceEngine {
        override val description = EngineDescription(choice, replaced)
        override val input: ByteBuffer = ByteBuffer.allocateDirect(12)
        override val output: ByteBuffer = ByteBuffer.allocateDirect(12).order(ByteOrder.nativeOrder())
        var closed = false
        override fun run() = logits.forEachIndexed { i, value -> output.putFloat(4 * i, value) }.let {}
        override fun close() {
            closed = true
            closing()
        }
    }

    private inner class Factory(private val answers: Map<DelegateChoice, Any>) : EngineFactory {
        val asked = ArrayList<DelegateChoice>()
        val made = ArrayList<Engine>()
        var replaced: List<Replacement>? = null
        var closing: () -> Unit = {}
        override fun create(choice: DelegateChoice): InferenceEngine {
            asked.add(choice)
            val answer = answers[choice] ?: floatArrayOf(1f, 2f, 3f)
            if (answer is Throwable) throw answer
            return Engine(choice, answer as FloatArray, replaced.takeIf { choice.kind != DelegateKind.CPU }, closing)
                .also { made.add(it) }
        }
    }

    private var process = "first"

    private fun chooser(factory: Factory) = DelegateChooser(factory, store, "abc 1", { engine ->
        engine.run()
        val scores = Scores(TensorSpec("", listOf(1, 3), TensorType.FLOAT32), OutputKind.LOGITS)
        scores.read(engine.output)
        GoldenCheck(golden).compare(scores.values)
    }, process)

    private fun assertFellBack(outcome: Outcome, to: DelegateChoice, vararg kinds: FallbackReason.Kind) {
        assertTrue(outcome is Outcome.Running)
        assertEquals(to, (outcome as Outcome.Running).engine.description.choice)
        assertEquals(kinds.toList(), outcome.fallbacks.map { it.kind })
    }

    @Test
    fun whatWorksIsKept() {
        val outcome = chooser(Factory(emptyMap())).start(gpu)
        assertFellBack(outcome, gpu)
        assertTrue((outcome as Outcome.Running).golden is GoldenResult.Passed)
    }

    @Test
    fun aRefusalIsSaidInTheDelegatesWords() {
        val outcome = chooser(Factory(mapOf(gpu to EngineException("no OpenCL\nhere")))).start(gpu)
        assertFellBack(outcome, cpu, FallbackReason.Kind.REFUSED)
        assertEquals(listOf("no OpenCL?here"), outcome.fallbacks[0].arguments)
        assertEquals(gpu, outcome.fallbacks[0].choice)
    }

    @Test
    fun missingLibrariesAndMemoryAreRefusals() {
        for (error in listOf(UnsatisfiedLinkError("x"), NoClassDefFoundError("y"), OutOfMemoryError(), IllegalArgumentException())) {
            store.text = ""
            assertFellBack(chooser(Factory(mapOf(gpu to error))).start(gpu), cpu, FallbackReason.Kind.REFUSED)
        }
    }

    @Test
    fun aWrongAnswerAndNoNumbersAreSeen() {
        val factory = Factory(mapOf(gpu to floatArrayOf(1f, 2.1f, 3f)))
        val outcome = chooser(factory).start(gpu)
        assertFellBack(outcome, cpu, FallbackReason.Kind.WRONG_ANSWER)
        assertEquals("0.05", outcome.fallbacks[0].arguments[1])
        assertTrue(factory.made[0].closed)
        assertFellBack(chooser(Factory(mapOf(gpu to floatArrayOf(1f, Float.NaN, 3f)))).start(gpu), cpu, FallbackReason.Kind.NOT_A_NUMBER)
    }

    @Test
    fun aDelegateThatTookNothingIsNotCalledOne() {
        val xnnpack = Replacement("TfLiteXNNPackDelegate", 4, 4, 1)
        for (lines in listOf(emptyList(), listOf(xnnpack), listOf(Replacement("TfLiteGpuDelegateV2", 0, 4, 1), xnnpack))) {
            store.text = ""
            val factory = Factory(emptyMap()).also { it.replaced = lines }
            assertFellBack(chooser(factory).start(gpu), cpu, FallbackReason.Kind.TOOK_NOTHING)
        }
        val other = Factory(emptyMap()).also { it.replaced = listOf(Replacement("Gpu", 3, 4, 2)) }
        assertFellBack(chooser(other).start(gpu), gpu)
    }

    @Test
    fun theCpuWithoutXnnpackIsLast() {
        val factory = Factory(mapOf(gpu to EngineException("a"), cpu to floatArrayOf(9f, 9f, 9f)))
        assertFellBack(chooser(factory).start(gpu), plain, FallbackReason.Kind.REFUSED, FallbackReason.Kind.WRONG_ANSWER)
        val none = Factory(mapOf(gpu to EngineException("a"), cpu to EngineException("b"), plain to EngineException("c")))
        val failed = chooser(none).start(gpu)
        assertTrue(failed is Outcome.Failed)
        assertEquals(3, failed.fallbacks.size)
    }

    @Test
    fun plainAloneIsNotFollowedByXnnpack() {
        val factory = Factory(mapOf(plain to EngineException("a")))
        assertTrue(chooser(factory).start(plain) is Outcome.Failed)
        assertEquals(listOf(plain), factory.asked)
    }

    @Test
    fun aDelegateThatDiesWithTheAppIsLeftAfterTwoTimes() {
        repeat(2) {
            assertFellBack(chooser(Factory(emptyMap())).start(gpu), gpu)
            process = "after crash $it" // The process ends here: no close, no ran.
        }
        val factory = Factory(emptyMap())
        val chooser = chooser(factory)
        assertFellBack(chooser.start(gpu), cpu, FallbackReason.Kind.CRASHED)
        assertFalse(gpu in factory.asked)
        chooser.forgive(gpu)
        assertFellBack(chooser.start(gpu), gpu)
    }

    /** Some drivers' first pictures go well. */
    @Test
    fun aDelegateThatDiesAfterManyRunsIsLeftAfterTwoTimes() {
        repeat(2) {
            val chooser = chooser(Factory(emptyMap()))
            assertFellBack(chooser.start(gpu), gpu)
            repeat(DelegateChooser.CONFIRMING_RUNS + 1) { chooser.ran() }
            process = "after crash $it"
        }
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), cpu, FallbackReason.Kind.CRASHED)
    }

    @Test
    fun aDelegateThatDiesWhileItClosesIsLeftAfterTwoTimes() {
        repeat(2) {
            var left = ""
            val factory = Factory(emptyMap()).also { it.closing = { left = store.text } }
            val chooser = chooser(factory)
            assertFellBack(chooser.start(gpu), gpu)
            repeat(DelegateChooser.CONFIRMING_RUNS) { chooser.ran() }
            chooser.rest()
            chooser.close()
            store.text = left // What a crash there leaves behind.
            process = "after crash $it"
        }
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), cpu, FallbackReason.Kind.CRASHED)
    }

    /** The system takes memory back, or a person wipes the app away: nobody sees it, and nothing runs. */
    @Test
    fun aProcessThatEndsWhileNothingRunsIsNoCrash() {
        repeat(3) {
            val chooser = chooser(Factory(emptyMap()))
            assertFellBack(chooser.start(gpu), gpu)
            chooser.beforeRun()
            chooser.ran()
            chooser.rest()
            process = "later $it"
        }
        repeat(2) {
            val chooser = chooser(Factory(emptyMap()))
            chooser.rest()
            assertFellBack(chooser.start(gpu), gpu)
            chooser.work()
            process = "in the end $it"
        }
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), gpu)
    }

    @Test
    fun aCrashAfterARestCounts() {
        repeat(2) {
            val chooser = chooser(Factory(emptyMap()))
            assertFellBack(chooser.start(gpu), gpu)
            chooser.rest()
            chooser.work()
            chooser.beforeRun()
            process = "after crash $it"
        }
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), cpu, FallbackReason.Kind.CRASHED)
    }

    @Test
    fun onlyAnOrderlyEndAfterManyRunsForgetsACrash() {
        store.text = """{"crashes": {"abc 1 GPU true": 1}, "pending": []}"""
        fun crashes() = ((Json.parse(store.text) as Map<*, *>)["crashes"] as Map<*, *>)["abc 1 GPU true"]
        for ((runs, left) in listOf(DelegateChooser.CONFIRMING_RUNS - 1 to 1L, DelegateChooser.CONFIRMING_RUNS to null)) {
            val chooser = chooser(Factory(emptyMap()))
            assertFellBack(chooser.start(gpu), gpu)
            repeat(runs) { chooser.ran() }
            assertEquals(1L, crashes())
            chooser.close()
            assertEquals(left, crashes())
        }
        store.text = """{"crashes": {"abc 1 GPU true": 1}, "pending": []}"""
        val failing = chooser(Factory(emptyMap()))
        failing.start(gpu)
        repeat(DelegateChooser.CONFIRMING_RUNS) { failing.ran() }
        failing.giveUp(failing.judgeFailure(EngineException("lost")))
        assertEquals(1L, crashes())
    }

    @Test
    fun whatIsChosenAgainIsTriedOnceMoreAndNotTwice() {
        store.text = """{"crashes": {"abc 1 GPU true": 2}, "pending": []}"""
        val chooser = chooser(Factory(emptyMap()))
        chooser.forgive(gpu)
        assertFellBack(chooser.start(gpu), gpu)
        process = "after the crash"
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), cpu, FallbackReason.Kind.CRASHED)
    }

    /** A person can choose the CPU, but not its plain kernels. */
    @Test
    fun theCpuIsForgivenInBothForms() {
        store.text = """{"crashes": {"abc 1 CPU true": 2, "abc 1 CPU false": 2}, "pending": []}"""
        val chooser = chooser(Factory(mapOf(cpu to EngineException("no"))))
        assertTrue(chooser.start(cpu) is Outcome.Failed)
        chooser.forgive(cpu)
        assertFellBack(chooser.start(cpu), plain, FallbackReason.Kind.REFUSED)
    }

    @Test
    fun threadsOfTheCpuStartNoDelegateAnewThatTookAll() {
        val more = gpu.copy(threads = 3)
        for ((taken, kept) in listOf(4 to true, 3 to false)) {
            val chooser = chooser(Factory(emptyMap()).also { it.replaced = listOf(Replacement("Gpu", taken, 4, 1)) })
            assertFalse(chooser.keeps(gpu))
            chooser.start(gpu)
            assertEquals(kept, chooser.keeps(more))
            assertFalse(chooser.keeps(cpu))
            if (kept) assertFellBack(chooser.giveUp(chooser.judgeFailure(EngineException("lost"))), cpu.copy(threads = 3), FallbackReason.Kind.FAILED_WHILE_RUNNING)
            if (kept) assertFalse(chooser.keeps(more))
        }
        val silent = chooser(Factory(emptyMap()))
        silent.start(gpu)
        assertFalse(silent.keeps(more))
        silent.start(cpu)
        assertFalse(silent.keeps(cpu.copy(threads = 3)))
    }

    /** Two screens of one app, each with its own chooser. */
    @Test
    fun anEngineThatAnotherChooserOfTheProcessRunsIsNoCrash() {
        repeat(5) { assertFellBack(chooser(Factory(emptyMap())).start(gpu), gpu) }
        assertTrue("\"crashes\":{}" in store.text.filterNot { it.isWhitespace() }, store.text)
        process = "next" // All of them died at once: one crash, not five.
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), gpu)
    }

    @Test
    fun choosersOfOneProcessDoNotOverwriteEachOther() {
        store.text = """{"crashes": {"abc 1 GPU true": 1}, "pending": ["abc 1 GPU true"]}"""
        val first = chooser(Factory(emptyMap()))
        val second = chooser(Factory(emptyMap()))
        second.forgive(gpu)
        assertFellBack(first.start(gpu), gpu)
        assertFellBack(second.start(gpu), gpu)
        first.close()
        process = "next" // The second one's marker is still there.
        assertFellBack(chooser(Factory(emptyMap())).start(gpu), cpu, FallbackReason.Kind.CRASHED)
    }

    @Test
    fun aCrashInsideTheAttemptCountsToo() {
        // What the store holds while the factory is at work is what a crash leaves behind.
        var during = ""
        val factory = object : EngineFactory {
            override fun create(choice: DelegateChoice): InferenceEngine {
                during = store.text
                throw EngineException("no")
            }
        }
        DelegateChooser(factory, store, "k").start(cpu)
        assertTrue("CPU" in during)
        assertFalse("CPU" in store.text)
    }

    @Test
    fun closingIsNoCrashAndRunsConfirm() {
        repeat(5) {
            val chooser = chooser(Factory(emptyMap()))
            assertFellBack(chooser.start(gpu), gpu)
            chooser.close()
        }
        val chooser = chooser(Factory(emptyMap()))
        chooser.start(gpu)
        repeat(DelegateChooser.CONFIRMING_RUNS) { chooser.ran() }
        assertTrue("GPU" in store.text)
        chooser.close()
        assertFalse("GPU" in store.text)
    }

    @Test
    fun heatAndFailuresMoveToTheCpu() {
        val chooser = chooser(Factory(emptyMap()))
        assertNull(chooser.judgeThermal(6))
        assertFellBack(chooser.start(gpu), cpu, FallbackReason.Kind.TOO_HOT)
        assertNull(chooser.judgeThermal(3))
        assertFellBack(chooser.start(gpu), gpu)
        val hot = chooser.judgeThermal(4)!!
        assertFellBack(chooser.giveUp(hot), cpu, FallbackReason.Kind.TOO_HOT)
        assertNull(chooser.judgeThermal(6))
        val failure = chooser.judgeFailure(EngineException("device lost"))
        assertFellBack(chooser.giveUp(failure), plain, FallbackReason.Kind.TOO_HOT, FallbackReason.Kind.FAILED_WHILE_RUNNING)
        assertTrue(chooser.giveUp(failure) is Outcome.Failed)
    }

    @Test
    fun anEngineThatDoesNotCloseIsNotInTheWay() {
        val factory = Factory(mapOf(gpu to floatArrayOf(7f, 7f, 7f))).also { it.closing = { throw IllegalStateException("close fails") } }
        assertFellBack(chooser(factory).start(gpu), cpu, FallbackReason.Kind.WRONG_ANSWER)
        val later = chooser(Factory(emptyMap()).also { it.closing = { throw IllegalStateException("close fails") } })
        later.start(gpu)
        assertFellBack(later.giveUp(later.judgeFailure(EngineException("lost"))), cpu, FallbackReason.Kind.FAILED_WHILE_RUNNING)
        later.close()
        assertFalse("GPU" in store.text)
    }

    @Test
    fun aDamagedStoreCountsAsEmpty() {
        for (text in listOf("{", "[]", "null", "{\"crashes\": 7}", "{\"crashes\": {\"abc 1 GPU true\": -9}, \"pending\": {}}", "[".repeat(99999))) {
            store.text = text
            assertFellBack(chooser(Factory(emptyMap())).start(gpu), gpu)
        }
    }

    @Test
    fun theGoldenPictureIsCompared() {
        val check = GoldenCheck(golden)
        assertTrue(check.compare(floatArrayOf(1.04f, 2f, 3f)).passed)
        val wrong = check.compare(floatArrayOf(1f, 2f, 2.9f)) as GoldenResult.WrongAnswer
        assertEquals(2, wrong.index)
        assertEquals(0.1f, wrong.difference, 1e-6f)
        assertTrue(check.compare(floatArrayOf(1f, 2f)) is GoldenResult.WrongCount)
        assertTrue(check.compare(floatArrayOf(1f, Float.POSITIVE_INFINITY, 3f)) is GoldenResult.NotFinite)
    }

    /** What XNNPACK got has a line, always; a log without any was switched off. */
    @Test
    fun aSilencedLogIsNoShareOfNothing() {
        assertNull(DelegateLog.of(null, true))
        assertNull(DelegateLog.of(listOf("INFO: Initialized TensorFlow Lite runtime."), true))
        assertEquals(emptyList<Replacement>(), DelegateLog.of(emptyList(), false))
        val line = "Replacing 3 out of 4 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions for the whole graph."
        assertEquals(listOf(Replacement("TfLiteXNNPackDelegate", 3, 4, 2)), DelegateLog.of(listOf(line), true))
    }

    @Test
    fun theLogIsReadAsTheRuntimeWritesIt() {
        val log = """
            INFO: Initialized TensorFlow Lite runtime.
            I tflite  : Replacing 219 out of 220 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 2 partitions for the whole graph.
            I tflite: Replacing 1 out of 2 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2 partitions for subgraph 0.
            Replacing 9 out of 2 node(s) with delegate (Liar) node, yielding 2 partitions
            Replacing 99999999999999999999 out of 2 node(s) with delegate (X) node, yielding 2 partitions
        """.trimIndent()
        val read = DelegateLog.read(log)
        assertEquals(listOf(Replacement("TfLiteGpuDelegateV2", 219, 220, 2), Replacement("TfLiteXNNPackDelegate", 1, 2, 2)), read)
        assertEquals(EngineDescription.Share(219, 220), EngineDescription(gpu, read).share)
        assertEquals(EngineDescription.Share(1, 2), EngineDescription(cpu, read).share)
        assertEquals(EngineDescription.Share(0, 220), EngineDescription(DelegateChoice(DelegateKind.NNAPI), read).share)
        assertNull(EngineDescription(plain, emptyList()).share)
        assertNull(EngineDescription(gpu, null).share)
        assertEquals(emptyList<Replacement>(), DelegateLog.read(""))
        assertThrows(IllegalArgumentException::class.java) { DelegateChoice(DelegateKind.CPU, 0) }
    }
}
