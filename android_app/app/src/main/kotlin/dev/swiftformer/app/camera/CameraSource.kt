package dev.swiftformer.app.camera

import android.graphics.SurfaceTexture
import android.media.Image

/** Why there is no picture from the camera. */
enum class CameraProblem {
    /** Something else on the device has it: another app, or a screen of this one. */
    IN_USE,

    /** Another app, the system or another screen of this app took it away while it was running. */
    TAKEN,

    /** The device's owner or a switch in the quick settings forbids it. */
    DISABLED,

    /** The permission is missing. */
    DENIED,

    /** The camera or its service failed. */
    FAILED,
}

/**
 * The camera as the screens use it. Called on the main thread; [Listener] is called there too, but for frames.
 *
 * There may be several screens, one that comes and one that goes, or two side by side: the camera is of the [Listener] that
 * started it last.
 *
 * [Camera2Source] is the real one.
 */
interface CameraSource {
    /** What is told of the camera. */
    interface Listener {
        /** Frames and preview are on their way. */
        fun onCameraStarted(camera: CameraFacts)

        /** There is no picture any more, or never was one. */
        fun onCameraProblem(problem: CameraProblem)

        /** A camera that was not to be had became free. */
        fun onCameraFree()

        /**
         * A YUV_420_888 frame, on the frames' thread. It is closed when this returns.
         *
         * @param camera that took it, in its own orientation.
         */
        fun onFrame(image: Image, camera: CameraFacts)
    }

    /** The cameras there are; does not need the permission. */
    fun cameras(): List<CameraFacts>

    /** Starts [camera], after stopping what ran before; who started that is told that it was taken. */
    fun start(camera: CameraFacts, preview: SurfaceTexture, listener: Listener)

    /** Lights the torch, or not; nothing happens on a camera without one, or on one that another listener started. */
    fun setTorch(on: Boolean, listener: Listener)

    /**
     * Stops what [listener] started and gives the camera back, to the one it was taken from if there is one; what another
     * started goes on. No frame arrives after the frames' thread has finished its present one.
     */
    fun stop(listener: Listener)
}
