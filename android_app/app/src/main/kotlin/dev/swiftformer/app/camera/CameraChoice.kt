package dev.swiftformer.app.camera

import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraManager
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.util.Size
import kotlin.math.abs

/** Which way a camera looks. External ones count as [BACK]. */
enum class Facing { BACK, FRONT }

/**
 * What the app needs to know of a camera.
 *
 * @property sensorDegrees by which a frame is turned clockwise to stand upright in the device's natural orientation.
 * @property frameSize of the YUV_420_888 frames that are classified, in the sensor's orientation.
 * @property previewSize of the picture on the screen, of the same shape, in the sensor's orientation.
 */
class CameraFacts(
    val id: String,
    val facing: Facing,
    val sensorDegrees: Int,
    val hasTorch: Boolean,
    val focusesContinuously: Boolean,
    val frameSize: Size,
    val previewSize: Size,
) {
    /**
     * Degrees clockwise, 0, 90, 180 or 270, that set this camera's frames upright on a display turned by
     * [displayDegrees]: the formula of CaptureRequest.JPEG_ORIENTATION's documentation.
     */
    fun uprightDegrees(displayDegrees: Int): Int = when (facing) {
        Facing.BACK -> Math.floorMod(sensorDegrees - displayDegrees, 360)
        Facing.FRONT -> Math.floorMod(sensorDegrees + displayDegrees, 360)
    }
}

/** @property ids of all cameras that could be read, also of those that are left out. */
class FoundCameras(val cameras: List<CameraFacts>, val ids: Set<String>)

/** The device's cameras, of each direction the first; those that give no YUV frames are left out. */
fun findCameras(manager: CameraManager): FoundCameras {
    val ids = try {
        manager.cameraIdList
    } catch (e: CameraAccessException) {
        return FoundCameras(emptyList(), emptySet())
    } catch (e: RuntimeException) {  // some vendors' camera services throw where the documentation has no word of it
        return FoundCameras(emptyList(), emptySet())
    }
    val found = ArrayList<CameraFacts>()
    val read = HashSet<String>()
    for (id in ids) {
        val facts = try {
            factsOf(id, manager.getCameraCharacteristics(id)).also { read.add(id) }
        } catch (e: CameraAccessException) {
            null
        } catch (e: RuntimeException) {
            null
        }
        if (facts != null && found.none { it.facing == facts.facing }) found.add(facts)
    }
    return FoundCameras(found, read)
}

private fun factsOf(id: String, traits: CameraCharacteristics): CameraFacts? {
    val streams = traits.get(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP) ?: return null
    val frame = chooseFrameSize(streams.getOutputSizes(ImageFormat.YUV_420_888).orEmpty().toList()) ?: return null
    val previews = streams.getOutputSizes(SurfaceTexture::class.java).orEmpty().toList()
    val focus = traits.get(CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES) ?: IntArray(0)
    return CameraFacts(
        id = id,
        facing = if (traits.get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_FRONT) {
            Facing.FRONT
        } else {
            Facing.BACK
        },
        sensorDegrees = traits.get(CameraCharacteristics.SENSOR_ORIENTATION) ?: 90,
        hasTorch = traits.get(CameraCharacteristics.FLASH_INFO_AVAILABLE) ?: false,
        focusesContinuously = focus.contains(CameraCharacteristics.CONTROL_AF_MODE_CONTINUOUS_PICTURE),
        frameSize = frame,
        previewSize = choosePreviewSize(previews, frame),
    )
}

/**
 * The size of frames to classify: the smallest of 4:3 (a sensor's own shape, so nothing of the scene is cut off) with
 * at least 480 rows, else whatever comes nearest to 640 x 480 in pixels. Null if there are none.
 */
fun chooseFrameSize(sizes: List<Size>): Size? {
    val fitting = sizes.filter { it.width * 3 == it.height * 4 && it.height >= FRAME_HEIGHT }
    return fitting.minByOrNull { it.height }
        ?: sizes.minByOrNull { abs(it.width.toLong() * it.height - FRAME_WIDTH.toLong() * FRAME_HEIGHT) }
}

/** The largest preview of the frame's shape up to 1080 rows; every camera that gives [frame] can show it too. */
fun choosePreviewSize(sizes: List<Size>, frame: Size): Size = sizes
    .filter { it.width.toLong() * frame.height == it.height.toLong() * frame.width && it.height <= PREVIEW_HEIGHT }
    .maxByOrNull { it.height } ?: frame

private const val FRAME_WIDTH = 640
private const val FRAME_HEIGHT = 480
private const val PREVIEW_HEIGHT = 1080
