package dev.swiftformer.app.camera

import android.graphics.Matrix
import android.graphics.RectF
import android.util.Size
import kotlin.math.max

/**
 * Where the camera's picture lies in a view of [width] x [height] pixels that it fills, its overhang cut off.
 *
 * @param preview the camera's preview size, in the sensor's orientation.
 * @param sensorDegrees of [CameraFacts].
 * @param displayDegrees by which the display is turned: 0, 90, 180 or 270.
 */
class PreviewGeometry(
    private val width: Int,
    private val height: Int,
    preview: Size,
    sensorDegrees: Int,
    private val displayDegrees: Int,
) {
    private val natural = preview.turned(sensorDegrees)
    private val shown = natural.turned(displayDegrees)
    private val scale = max(width.toFloat() / shown.width, height.toFloat() / shown.height)

    /**
     * For TextureView.setTransform. A TextureView stretches the picture, upright in the device's natural orientation,
     * over the view; this gives it its own shape back, turns it against the display and scales it to fill the view.
     */
    fun transform(): Matrix = Matrix().apply {
        postTranslate(-width / 2f, -height / 2f)
        postScale(natural.width.toFloat() / width, natural.height.toFloat() / height)
        postRotate(-displayDegrees.toFloat())
        postScale(scale, scale)
        postTranslate(width / 2f, height / 2f)
    }

    /**
     * The part of the view that the model sees: the centre of the upright picture.
     *
     * @param shareX, shareY how much of the picture's width and height reaches the model, up to 1.
     */
    fun seen(shareX: Float, shareY: Float): RectF {
        val halfWidth = shown.width * scale * shareX / 2
        val halfHeight = shown.height * scale * shareY / 2
        val seen = RectF(width / 2f - halfWidth, height / 2f - halfHeight, width / 2f + halfWidth, height / 2f + halfHeight)
        seen.intersect(0f, 0f, width.toFloat(), height.toFloat())
        return seen
    }
}

/** The size after a turn by a multiple of 90 degrees. */
fun Size.turned(degrees: Int): Size = if (degrees % 180 == 0) this else Size(height, width)
