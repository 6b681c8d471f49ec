package dev.swiftformer.app

import dev.swiftformer.app.engine.Logcat
import dev.swiftformer.app.engine.OwnLog
import dev.swiftformer.app.engine.during
import dev.swiftformer.app.engine.orClose
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.IOException
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Around the runtime: the log it writes, and its native memory when something fails. Programs stand in for `logcat`. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
class EngineTest {
    private fun program(vararg command: String): Process = ProcessBuilder(*command).start()

    private fun print(lines: List<String>) = program("printf", "%s\\n", *lines.toTypedArray())

    /** Two lines that the runtime writes one after the other, and between which a reader may come. */
    @Test
    fun aDelegatesShareIsWaitedFor() {
        var reads = 0
        lateinit var mark: String
        val before = "I/tflite: Replacing 9 out of 9 node(s)"
        val log = Logcat({
            val all = listOf(before, "I/SwiftFormer: $mark", CREATED, REPLACING)
            print(all.take((2 + reads++).coerceAtMost(all.size)))
        })
        mark = log.mark()
        assertEquals(listOf(CREATED, REPLACING), log.since(mark))
        assertEquals(3, reads)
    }

    @Test
    fun whatIsThereAtTheLastAttemptCounts() {
        lateinit var mark: String
        val log = Logcat({ print(listOf("I/SwiftFormer: $mark", CREATED)) })
        mark = log.mark()
        assertEquals(listOf(CREATED), log.since(mark))
        assertNull(Logcat({ print(listOf(CREATED, REPLACING)) }).since(mark))
    }

    /** The second leaves its output to a child that goes on. */
    @Test
    fun aLogThatHangsIsGivenUp() {
        for (command in listOf(arrayOf("sleep", "20"), arrayOf("sh", "-c", "sleep 20 &"))) {
            val began = System.nanoTime()
            assertNull(Logcat({ program(*command) }, 300).since("mark 1"))
            assertTrue((System.nanoTime() - began) / 1e9 < 10)
        }
    }

    @Test
    fun aLogThatFailsIsUnknown() {
        assertNull(Logcat({ throw IOException("no such program") }).since("mark 1"))
        assertNull(Logcat({ program("sh", "-c", "echo mark 1; exit 3") }).since("mark 1"))
    }

    /** Two screens start an engine each, at once. */
    @Test
    fun twoStartsDoNotReadEachOthersLines() {
        val lines = CopyOnWriteArrayList<String>()
        val shared = object : OwnLog {
            override fun mark() = lines.size.toString()

            override fun since(mark: String) = lines.drop(mark.toInt())
        }
        val both = CountDownLatch(2)
        val read = ConcurrentHashMap<String, List<String>>()
        val threads = listOf("first", "second").map { name ->
            thread {
                shared.during { said ->
                    lines.add(name)
                    both.countDown()
                    both.await(200, TimeUnit.MILLISECONDS)
                    read[name] = said().orEmpty()
                }
            }
        }
        threads.forEach { it.join() }
        assertEquals(mapOf("first" to listOf("first"), "second" to listOf("second")), read.toMap())
    }

    @Test
    fun whatWasOpenedIsClosedWhereTheRestFails() {
        val closed = ArrayList<String>()
        val refusal = IllegalStateException("close fails")
        val error = assertThrows(OutOfMemoryError::class.java) {
            orClose(AutoCloseable { closed.add("delegate") }) {
                orClose(AutoCloseable { closed.add("interpreter"); throw refusal }) { throw OutOfMemoryError("buffers") }
            }
        }
        assertEquals(listOf("interpreter", "delegate"), closed)
        assertSame(refusal, error.suppressed.single())
        assertEquals(7, orClose(AutoCloseable { closed.add("none") }) { 7 })
        assertEquals(2, closed.size)
    }

    private companion object {
        const val CREATED = "I/tflite: Created TensorFlow Lite delegate for GPU."
        const val REPLACING = "I/tflite: Replacing 3 out of 4 node(s) with delegate (TfLiteGpuDelegateV2) node."
    }
}
