package dev.swiftformer.app

import android.content.Context
import dev.swiftformer.app.engine.FileAttemptStore
import dev.swiftformer.core.DelegateKind
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.File

/** What is kept across starts: whatever is stored there, what is read is valid. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
class StoresTest {
    @Test
    fun attemptsAreReadAsTheyWereWrittenByAnotherProcess() {
        val file = File(app.noBackupFilesDir, "attempts.json")
        FileAttemptStore(file).write("{\"pending\": [\"a\"]}")
        assertEquals("{\"pending\": [\"a\"]}", FileAttemptStore(file).read())
        FileAttemptStore(file).write("")
        assertEquals("", FileAttemptStore(file).read())
    }

    /** A process that is killed while it writes must not lose what was there. */
    @Test
    fun theOldAttemptsStayUntilTheNewOnesAreWhole() {
        val file = File(File(app.noBackupFilesDir, "attempts").apply { mkdirs() }, "attempts.json")
        FileAttemptStore(file).write("old")
        file.inputStream().use { old ->
            FileAttemptStore(file).write("new, and longer")
            assertEquals("old", old.readBytes().toString(Charsets.UTF_8))
        }
        assertEquals("new, and longer", FileAttemptStore(file).read())
        assertEquals(listOf("attempts.json"), file.parentFile!!.list()!!.toList())
    }

    /** Another build of the same version may have newer libraries. */
    @Test
    fun crashesAreOfOneInstallation() {
        val installed = shadowOf(app.packageManager).getInternalMutablePackageInfo(app.packageName)
        installed.lastUpdateTime = 1
        val first = DeviceParts(app).build
        assertEquals(first, DeviceParts(app).build)
        installed.lastUpdateTime = 2
        assertNotEquals(first, DeviceParts(app).build)
    }

    @Test
    fun aStoreThatCannotBeReadOrWrittenIsEmptyAndNoCrash() {
        val folder = File(app.noBackupFilesDir, "attempts.json").apply { mkdirs() }
        FileAttemptStore(folder).write("x")
        assertEquals("", FileAttemptStore(folder).read())
        assertEquals("", FileAttemptStore(File("/nowhere/attempts.json")).read())
        val large = File(app.noBackupFilesDir, "large.json").apply { writeBytes(ByteArray(1 shl 19)) }
        assertEquals("", FileAttemptStore(large).read())
    }

    @Test
    fun strangeSettingsAreReadAsTheUsualOnes() {
        val stored = app.getSharedPreferences("choices", Context.MODE_PRIVATE)
        stored.edit().putInt("model", 7).putBoolean("delegate", true).putString("threads", "many").commit()
        val activity = launch().get()
        activity.settle()
        assertTrue(activity.words(R.id.runs_on).startsWith("CPU with XNNPACK"))
        for (threads in listOf(-1, 0, 1000, Int.MAX_VALUE)) {
            stored.edit().remove("threads").putInt("threads", threads).commit()
            assertTrue(Settings(app).threads in 1..8)
        }
        stored.edit().remove("delegate").putString("delegate", "TPU").commit()
        assertEquals("TPU", Settings(app).delegate)
        assertEquals(DelegateKind.CPU, dev.swiftformer.app.session.Session(fakes).state.choice.delegate)
    }
}
