package dev.swiftformer.app

import android.app.Activity
import android.content.Context
import android.graphics.RectF
import android.graphics.SurfaceTexture
import android.hardware.display.DisplayManager
import android.os.Handler
import android.os.Looper
import android.view.Surface
import android.view.TextureView
import dev.swiftformer.app.camera.CameraFacts
import dev.swiftformer.app.camera.PreviewGeometry

/**
 * The view with the camera's picture: tells when there is a surface to draw on, and keeps the picture upright and in
 * shape when the view or the display turns (also by half a turn, which restarts no activity).
 */
class CameraPreview(activity: Activity, private val view: TextureView, private val changed: () -> Unit) {
    private var camera: CameraFacts? = null
    private val displays = activity.getSystemService(Context.DISPLAY_SERVICE) as DisplayManager
    private val turned = object : DisplayManager.DisplayListener {
        override fun onDisplayAdded(id: Int) = Unit

        override fun onDisplayRemoved(id: Int) = Unit

        override fun onDisplayChanged(id: Int) = apply()
    }

    /** By how many degrees the display is turned; read by the frames' thread too. */
    @Volatile
    var displayDegrees = 0
        private set

    /** Where the camera's picture goes, or null while there is no place for it. */
    var surface: SurfaceTexture? = null
        private set

    init {
        view.surfaceTextureListener = object : TextureView.SurfaceTextureListener {
            override fun onSurfaceTextureAvailable(texture: SurfaceTexture, width: Int, height: Int) {
                surface = texture
                apply()
                changed()
            }

            override fun onSurfaceTextureSizeChanged(texture: SurfaceTexture, width: Int, height: Int) = apply()

            override fun onSurfaceTextureDestroyed(texture: SurfaceTexture): Boolean {
                surface = null
                changed()
                return true
            }

            override fun onSurfaceTextureUpdated(texture: SurfaceTexture) = Unit
        }
        view.addOnLayoutChangeListener { _, _, _, _, _, _, _, _, _ -> apply() }
    }

    fun start() {
        displays.registerDisplayListener(turned, Handler(Looper.getMainLooper()))
        apply()
    }

    fun stop() = displays.unregisterDisplayListener(turned)

    /** The camera whose picture is shown from now on. */
    fun show(shown: CameraFacts) {
        camera = shown
        apply()
    }

    /** The part of the view that the model sees; null while nothing is shown. */
    fun seen(shareX: Float, shareY: Float): RectF? = geometry()?.seen(shareX, shareY)

    private fun geometry(): PreviewGeometry? {
        val shown = camera ?: return null
        if (view.width == 0 || view.height == 0) return null
        return PreviewGeometry(view.width, view.height, shown.previewSize, shown.sensorDegrees, displayDegrees)
    }

    private fun apply() {
        displayDegrees = rotation()
        geometry()?.let { view.setTransform(it.transform()) }
    }

    private fun rotation(): Int = when (view.display?.rotation) {
        Surface.ROTATION_90 -> 90
        Surface.ROTATION_180 -> 180
        Surface.ROTATION_270 -> 270
        else -> 0
    }
}
