package dev.swiftformer.app

import android.graphics.Bitmap
import dev.swiftformer.app.model.BundleFiles
import dev.swiftformer.app.picture.PictureProblem
import dev.swiftformer.app.session.EngineRoom
import dev.swiftformer.app.session.Session
import dev.swiftformer.app.session.SessionProblem
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.FrameConverter
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.InputStream

/** Errors that nothing announces, such as too little memory, on the engine's thread: they are said, and none ends the app. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class EngineRoomTest {
    private lateinit var session: Session
    private lateinit var room: EngineRoom

    @Before
    fun start() {
        fakes.settings.delegate = DelegateKind.GPU.name
        session = Session(fakes)
        room = EngineRoom(fakes) { it(session) }
        room.list(null, session.state.choice)
        assertEquals(words(), DelegateKind.GPU, session.state.engine?.choice?.kind)
    }

    private fun words() = when (val problem = session.state.problem) {
        is SessionProblem.NoEngine -> problem.reasons.toString()
        is SessionProblem.BadModel -> problem.problem.message
        is SessionProblem.BadIndex -> problem.reason
        else -> "$problem ${session.state}"
    }

    @After
    fun end() {
        room.sleep()
        session.close(forgets = false)
    }

    private fun frame() = FrameConverter().apply {
        val picture = FakeImage(64, 48)
        val planes = picture.planes
        load(
            planes[0].buffer, planes[1].buffer, planes[2].buffer, planes[0].rowStride, 1, planes[1].rowStride,
            planes[1].pixelStride, 64, 48, 0, 0, 64, 48, 0,
        )
    }

    private fun assertOnTheCpu() {
        assertEquals(DelegateKind.CPU, session.state.engine?.choice?.kind)
        assertEquals(listOf(FallbackReason.Kind.FAILED_WHILE_RUNNING), session.state.fallbacks.map { it.kind })
        assertEquals(1, fakes.lab.open)
    }

    @Test
    fun anEngineWithoutMemoryIsGivenUpForAFrame() {
        fakes.lab.failure = OutOfMemoryError("Failed to allocate")
        room.live(frame(), 0)
        assertOnTheCpu()
        room.live(frame(), 0)
        assertTrue(session.state.answers.isNotEmpty())
    }

    @Test
    fun anEngineWithoutMemoryIsGivenUpForAStillPicture() {
        for (error in listOf(OutOfMemoryError(), IllegalStateException("context lost"), NullPointerException())) {
            room.load(session.state.choice, true)
            fakes.lab.failure = error
            room.still(photo(), false, false)
            assertOnTheCpu()
            assertTrue(session.state.answers.isNotEmpty())
            room.resume()
        }
    }

    @Test
    fun aFrameThatCannotBeReadCostsAnEngineAndNotTheApp() {
        val empty = FrameConverter()
        repeat(5) { room.live(empty, 0) }
        assertTrue(session.state.engine != null || session.state.problem is SessionProblem.NoEngine)
    }

    @Test
    fun aFrameThatCannotBeHeldIsSaidToBeNone() {
        room.freeze(FrameConverter(), false)
        assertEquals(PictureProblem.NOT_A_PICTURE, session.state.pictureProblem)
        assertNull(session.state.still)
        assertEquals(DelegateKind.GPU, session.state.engine?.choice?.kind)
    }

    @Test
    fun aPictureThatCannotBeReadKeepsTheEngine() {
        val gone = Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888).apply { recycle() }
        room.still(gone, false, true)
        assertEquals(PictureProblem.NOT_A_PICTURE, session.state.pictureProblem)
        assertEquals(DelegateKind.GPU, session.state.engine?.choice?.kind)
        room.still(photo(), false, false)
        assertNull(session.state.pictureProblem)
        assertNotNull(session.state.speed)
    }

    /** Answers are of the model that is named above them. */
    @Test
    fun answersGoWithTheirModelAndTheirPicture() {
        fun nothing() = session.state.answers.isEmpty() && session.state.speed == null
        val files = fakes.files
        room.live(frame(), 0)
        assertFalse(nothing())
        var during = false
        fakes.files = object : BundleFiles by files {
            override fun open(name: String): InputStream {
                during = nothing()
                return files.open(name)
            }
        }
        room.load(session.state.choice.copy(model = 1), false)
        assertTrue("while the other model starts", during)
        room.still(photo(), false, false)
        assertFalse(nothing())
        room.resume()
        assertTrue("back at the camera", nothing())
        for (broken in listOf("golden.png", "micro_float32.tflite")) {
            fakes.files = files
            room.load(session.state.choice.copy(model = 1), false)
            room.still(photo(), false, false)
            assertFalse(nothing())
            fakes.files = MemoryFiles.copy(app).also { it.content.remove(broken) }
            room.load(session.state.choice.copy(model = 0), false)
            assertTrue(words(), session.state.problem is SessionProblem.BadModel)
            assertTrue(broken, nothing())
        }
    }

    /** The model sees every column of it, the screen a picture that fits into a texture. */
    @Test
    fun aPanoramaIsShownSmallerThanItIsClassified() {
        val wide = Bitmap.createBitmap(9000, 40, Bitmap.Config.ARGB_8888)
        room.still(wide, false, false)
        assertEquals(4096, session.state.still?.bitmap?.width)
        assertEquals(9000, wide.width)
    }
}
