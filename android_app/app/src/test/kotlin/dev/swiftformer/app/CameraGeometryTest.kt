package dev.swiftformer.app

import android.graphics.RectF
import android.util.Size
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.camera.PreviewGeometry
import dev.swiftformer.app.camera.chooseFrameSize
import dev.swiftformer.app.camera.choosePreviewSize
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Which frames are asked for, how they are turned, and where they lie on the screen. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class CameraGeometryTest {
    @Test
    fun framesAreOfTheSensorsShapeAndNotLargerThanNeeded() {
        val sizes = listOf(Size(4000, 3000), Size(1920, 1080), Size(1024, 768), Size(640, 480), Size(320, 240), Size(720, 480))
        assertEquals(Size(640, 480), chooseFrameSize(sizes))
        assertEquals(Size(1024, 768), chooseFrameSize(sizes - Size(640, 480)))
        assertEquals(Size(720, 480), chooseFrameSize(listOf(Size(1920, 1080), Size(720, 480), Size(176, 144))))
        assertNull(chooseFrameSize(emptyList()))
    }

    @Test
    fun thePreviewHasTheFramesShape() {
        val frame = Size(640, 480)
        val sizes = listOf(Size(4000, 3000), Size(1920, 1080), Size(1440, 1080), Size(800, 600))
        assertEquals(Size(1440, 1080), choosePreviewSize(sizes, frame))
        assertEquals(frame, choosePreviewSize(listOf(Size(1920, 1080)), frame))
    }

    /** The table of CaptureRequest.JPEG_ORIENTATION's documentation, worked out by hand. */
    @Test
    fun framesAreTurnedUpright() {
        val back = FakeCamera.facts(Facing.BACK, true, 90)
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map { back.uprightDegrees(it) })
        val front = FakeCamera.facts(Facing.FRONT, false, 270)
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map { front.uprightDegrees(it) })
    }

    /** The picture's own corners must land so that it keeps its shape, fills the view, and is centred. */
    @Test
    fun thePreviewKeepsItsShapeAndFillsTheView() {
        for (degrees in listOf(0, 90, 180, 270)) for ((width, height) in listOf(1080 to 1400, 1400 to 1080, 500 to 500, 300 to 2000)) {
            val geometry = PreviewGeometry(width, height, Size(1440, 1080), 90, degrees)
            val placed = RectF(0f, 0f, width.toFloat(), height.toFloat())
            geometry.transform().mapRect(placed)
            val upright = if (degrees % 180 == 0) 1080f / 1440f else 1440f / 1080f
            assertEquals("shape at $degrees", upright, placed.width() / placed.height(), 0.01f)
            assertEquals(width / 2f, placed.centerX(), 0.5f)
            assertEquals(height / 2f, placed.centerY(), 0.5f)
            assertEquals("fills", 1f, minOf(placed.width() / width, placed.height() / height), 0.01f)
        }
    }

    @Test
    fun theUpperEdgeOfTheSceneIsUpAtEveryTurn() {
        // Where the natural orientation's upper edge goes when the display is turned by 90 degrees: to the left.
        val point = floatArrayOf(500f, 0f)
        PreviewGeometry(1000, 1000, Size(1000, 1000), 0, 90).transform().mapPoints(point)
        assertEquals(0f, point[0], 0.5f)
        assertEquals(500f, point[1], 0.5f)
    }

    @Test
    fun theFrameAroundWhatTheModelSees() {
        // A 1080 x 1440 picture, its centre square of 0.95: fills 1080 x 1440 exactly.
        val geometry = PreviewGeometry(1080, 1440, Size(1440, 1080), 90, 0)
        val seen = geometry.seen(0.95f, 0.95f * 1080 / 1440)
        assertEquals(0.95f * 1080, seen.width(), 0.5f)
        assertEquals(0.95f * 1080, seen.height(), 0.5f)
        assertEquals(540f, seen.centerX(), 0.5f)
        // A narrow view cuts the picture, and the frame with it.
        assertEquals(300f, PreviewGeometry(300, 1440, Size(1440, 1080), 90, 0).seen(1f, 0.75f).width(), 0.5f)
    }
}
