package dev.swiftformer.app

import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.media.Image
import android.util.Size
import dev.swiftformer.app.camera.Camera2Source
import dev.swiftformer.app.camera.CameraFacts
import dev.swiftformer.app.camera.CameraProblem
import dev.swiftformer.app.camera.CameraSource
import dev.swiftformer.app.camera.Facing
import org.junit.Assert.assertEquals
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.StreamConfigurationMapBuilder

/** The real camera code with Robolectric's camera service. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class Camera2SourceTest {
    private val manager = app.getSystemService(CameraManager::class.java)

    private fun add(id: String, facing: Int, vararg sizes: Size) {
        val traits = ShadowCameraCharacteristics.newCameraCharacteristics()
        shadowOf(traits).set(CameraCharacteristics.LENS_FACING, facing)
        shadowOf(traits).set(CameraCharacteristics.SENSOR_ORIENTATION, 270)
        if (sizes.isNotEmpty()) {
            val streams = StreamConfigurationMapBuilder.newBuilder()
            for (size in sizes) streams.addOutputSize(ImageFormat.YUV_420_888, size).addOutputSize(size)
            shadowOf(traits).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams.build())
        }
        shadowOf(manager).addCamera(id, traits)
    }

    private class Heard : CameraSource.Listener {
        @Volatile var started: CameraFacts? = null
        @Volatile var problem: CameraProblem? = null

        override fun onCameraStarted(camera: CameraFacts) {
            started = camera
        }

        override fun onCameraProblem(problem: CameraProblem) {
            this.problem = problem
        }

        override fun onCameraFree() = Unit

        override fun onFrame(image: Image, camera: CameraFacts) = Unit
    }

    @Test
    fun findsTheFirstCameraOfEachDirectionThatGivesFrames() {
        add("blind", CameraCharacteristics.LENS_FACING_BACK)
        add("back", CameraCharacteristics.LENS_FACING_BACK, Size(1440, 1080), Size(640, 480))
        add("wide", CameraCharacteristics.LENS_FACING_BACK, Size(640, 480))
        add("front", CameraCharacteristics.LENS_FACING_FRONT, Size(640, 480))
        val cameras = Camera2Source(app).cameras()
        assertEquals(listOf("back", "front"), cameras.map { it.id })
        assertEquals(listOf(Facing.BACK, Facing.FRONT), cameras.map { it.facing })
        assertEquals(Size(640, 480), cameras[0].frameSize)
        assertEquals(Size(1440, 1080), cameras[0].previewSize)
        assertEquals(270, cameras[0].sensorDegrees)
    }

    @Test
    fun aCameraThatComesLaterIsFound() {
        add("back", CameraCharacteristics.LENS_FACING_BACK, Size(640, 480))
        val source = Camera2Source(app)
        assertEquals(listOf("back"), source.cameras().map { it.id })
        idle()
        assertSame("asked for once", source.cameras(), source.cameras())
        add("front", CameraCharacteristics.LENS_FACING_FRONT, Size(640, 480))
        idle()
        assertEquals(listOf("back", "front"), source.cameras().map { it.id })
    }

    @Test
    fun aDeviceWithoutCamerasHasNone() = assertTrue(Camera2Source(app).cameras().isEmpty())

    @Test
    fun aCameraThatIsGoneIsAProblemAndNotACrash() {
        val heard = Heard()
        val source = Camera2Source(app)
        source.start(FakeCamera.facts(Facing.BACK, false), SurfaceTexture(1), heard)
        until("the problem") { heard.problem != null }
        source.stop(heard)
    }
}
