package dev.swiftformer.app.camera

import android.annotation.TargetApi
import android.content.Context
import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.hardware.camera2.params.OutputConfiguration
import android.hardware.camera2.params.SessionConfiguration
import android.media.ImageReader
import android.os.Build
import android.os.Handler
import android.os.HandlerThread
import android.os.Looper
import android.view.Surface

/**
 * [CameraSource] by Camera2.
 *
 * Everything of one start lives in a [Run], which only the camera's thread touches; a later start or stop makes it
 * stale, and whatever its callbacks still bring is dropped.
 */
class Camera2Source(context: Context) : CameraSource {
    private val manager: CameraManager = context.getSystemService(CameraManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private val cameraThread = HandlerThread("camera").apply { start() }
    private val frameThread = HandlerThread("frames").apply { start() }
    private val onCamera = Handler(cameraThread.looper)
    private val onFrames = Handler(frameThread.looper)
    private var run: Run? = null  // main thread
    private val displaced = ArrayList<CameraSource.Listener>()  // main thread: from whom it was taken for another, in turn
    private var found = FoundCameras(emptyList(), emptySet())  // main thread

    init {
        manager.registerAvailabilityCallback(
            object : CameraManager.AvailabilityCallback() {
                /** One that was plugged in, or that could not be read before. */
                override fun onCameraAvailable(id: String) {
                    if (id !in found.ids) found = FoundCameras(emptyList(), emptySet())
                }
            },
            main,
        )
    }

    /** Asked for anew only where there may be others: the camera service takes its time, and screens ask often. */
    override fun cameras(): List<CameraFacts> {
        if (found.cameras.isEmpty()) found = findCameras(manager)
        return found.cameras
    }

    override fun start(camera: CameraFacts, preview: SurfaceTexture, listener: CameraSource.Listener) {
        val before = run?.listener?.takeIf { it !== listener }
        end()
        displaced.remove(listener)
        if (before != null) displaced.add(before)
        preview.setDefaultBufferSize(camera.previewSize.width, camera.previewSize.height)
        run = Run(camera, preview, listener).also { fresh -> onCamera.post { fresh.open() } }
        before?.onCameraProblem(CameraProblem.TAKEN)
    }

    override fun setTorch(on: Boolean, listener: CameraSource.Listener) {
        val running = run?.takeIf { it.listener === listener } ?: return
        onCamera.post { running.setTorch(on) }
    }

    override fun stop(listener: CameraSource.Listener) {
        displaced.remove(listener)
        if (run?.listener !== listener) return
        end()
        displaced.removeLastOrNull()?.onCameraFree()
    }

    private fun end() {
        val old = run ?: return
        run = null
        old.stale = true
        onCamera.post { old.close() }
    }

    /** One camera from opening to closing. */
    private inner class Run(
        private val camera: CameraFacts,
        preview: SurfaceTexture,
        val listener: CameraSource.Listener,
    ) : CameraDevice.StateCallback() {
        @Volatile var stale = false
        private val surface = Surface(preview)
        private val frames = ImageReader.newInstance(
            camera.frameSize.width, camera.frameSize.height, ImageFormat.YUV_420_888, IMAGES_IN_FLIGHT,
        )
        private var device: CameraDevice? = null
        private var session: CameraCaptureSession? = null
        private var torch = false
        private var waiting = false
        private var failed = false
        private val freed = object : CameraManager.AvailabilityCallback() {
            override fun onCameraAvailable(id: String) {
                if (id == camera.id) free()
            }

            /** From API level 29 on: in a split screen the app that is used last may have the camera. */
            override fun onCameraAccessPrioritiesChanged() = free()

            /**
             * Not at once: a camera counts as free while too many others are in use, and is called so as soon as this
             * callback is registered. Trying again would then fail, and go on without a pause.
             */
            private fun free() {
                if (!stale) main.postDelayed({ if (!stale) listener.onCameraFree() }, PAUSE_MS)
            }
        }

        fun open() {
            if (stale) return
            frames.setOnImageAvailableListener({ reader -> take(reader) }, onFrames)
            guarded { manager.openCamera(camera.id, this, onCamera) }
        }

        override fun onOpened(opened: CameraDevice) {
            device = opened
            if (stale) return release()
            guarded { createSession(opened) }
        }

        override fun onDisconnected(lost: CameraDevice) {
            device = lost
            report(CameraProblem.TAKEN)
        }

        override fun onError(broken: CameraDevice, code: Int) {
            device = broken
            report(
                when (code) {
                    ERROR_CAMERA_IN_USE, ERROR_MAX_CAMERAS_IN_USE -> CameraProblem.IN_USE
                    ERROR_CAMERA_DISABLED -> CameraProblem.DISABLED
                    else -> CameraProblem.FAILED
                },
            )
        }

        @Suppress("DEPRECATION")  // the newer call is there from API 28 on
        @TargetApi(Build.VERSION_CODES.P)
        private fun createSession(opened: CameraDevice) {
            val configured = object : CameraCaptureSession.StateCallback() {
                override fun onConfigured(ready: CameraCaptureSession) {
                    if (stale || failed) return
                    session = ready
                    if (guarded { request() }) main.post { if (!stale) listener.onCameraStarted(camera) }
                }

                override fun onConfigureFailed(refused: CameraCaptureSession) = report(CameraProblem.FAILED)
            }
            val targets = listOf(surface, frames.surface)
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
                opened.createCaptureSession(
                    SessionConfiguration(
                        SessionConfiguration.SESSION_REGULAR,
                        targets.map { OutputConfiguration(it) },
                        { task -> onCamera.post(task) },
                        configured,
                    ),
                )
            } else {
                opened.createCaptureSession(targets, configured, onCamera)
            }
        }

        private fun request() {
            val running = session ?: return
            val request = running.device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
            request.addTarget(surface)
            request.addTarget(frames.surface)
            if (camera.focusesContinuously) {
                request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
            }
            if (camera.hasTorch) {
                request.set(
                    CaptureRequest.FLASH_MODE,
                    if (torch) CaptureRequest.FLASH_MODE_TORCH else CaptureRequest.FLASH_MODE_OFF,
                )
            }
            running.setRepeatingRequest(request.build(), null, onCamera)
        }

        fun setTorch(on: Boolean) {
            torch = on
            if (camera.hasTorch && !stale) guarded { request() }
        }

        private fun take(reader: ImageReader) {
            val image = try {
                reader.acquireLatestImage()
            } catch (e: IllegalStateException) {  // the reader was closed between the frame and this call
                null
            } ?: return
            image.use { if (!stale) listener.onFrame(it, camera) }
        }

        /** Runs [step]; what the camera service throws becomes a problem. False if it threw. */
        private fun guarded(step: () -> Unit): Boolean {
            try {
                step()
                return true
            } catch (e: CameraAccessException) {
                report(
                    when (e.reason) {
                        CameraAccessException.CAMERA_IN_USE, CameraAccessException.MAX_CAMERAS_IN_USE ->
                            CameraProblem.IN_USE
                        CameraAccessException.CAMERA_DISABLED -> CameraProblem.DISABLED
                        CameraAccessException.CAMERA_DISCONNECTED -> CameraProblem.TAKEN
                        else -> CameraProblem.FAILED
                    },
                )
            } catch (e: SecurityException) {
                report(CameraProblem.DENIED)
            } catch (e: RuntimeException) {  // closed under us, gone, without its surface, or what a vendor throws
                report(CameraProblem.FAILED)
            }
            return false
        }

        /** Gives the camera back and says why; this run brings nothing any more but that the camera is free. */
        private fun report(problem: CameraProblem) {
            release()
            if (stale || failed) return
            failed = true
            if (!waiting && (problem == CameraProblem.IN_USE || problem == CameraProblem.TAKEN)) {
                waiting = true
                manager.registerAvailabilityCallback(freed, onCamera)
            }
            main.post { if (!stale) listener.onCameraProblem(problem) }
        }

        private fun release() {
            session = null
            device?.close()
            device = null
        }

        fun close() {
            if (waiting) manager.unregisterAvailabilityCallback(freed)
            release()
            surface.release()
            onFrames.post { frames.close() }  // there, so that no frame loses its memory while it is read
        }
    }

    private companion object {
        /** One that is read and one that waits. */
        const val IMAGES_IN_FLIGHT = 2

        /** Before a camera that became free is opened again. */
        const val PAUSE_MS = 800L
    }
}
