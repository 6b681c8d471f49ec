package dev.swiftformer.app

import android.graphics.ImageFormat
import android.graphics.SurfaceTexture
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.hardware.camera2.TotalCaptureResult
import android.hardware.camera2.params.InputConfiguration
import android.hardware.camera2.params.OutputConfiguration
import android.hardware.camera2.params.SessionConfiguration
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.util.Size
import android.view.Surface
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.annotation.RealObject
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowCameraCharacteristics
import org.robolectric.shadows.ShadowCameraManager
import org.robolectric.shadows.StreamConfigurationMapBuilder
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CopyOnWriteArrayList

/**
 * The camera service as an app meets it, on every API level: devices that open, sessions, requests, and frames that come
 * out of the app's own ImageReader. What a driver does inside is not simulated, and no picture reaches the preview.
 */
object SimulatedService {
    val devices = CopyOnWriteArrayList<SimulatedDevice>()
    val watchers = CopyOnWriteArrayList<Pair<CameraManager.AvailabilityCallback, Handler>>()
    val requests = CopyOnWriteArrayList<SimulatedRequest>()
    @Volatile var attempts = 0

    /** Thrown by openCamera. */
    @Volatile var refusal: Exception? = null

    /** Told instead of onOpened. */
    @Volatile var errorOnOpen: Int? = null

    /** Whether sessions fail to configure. */
    @Volatile var configures = true

    /** Thrown when a request is set. */
    @Volatile var requestFailure: Exception? = null

    val last: SimulatedDevice get() = devices.last()
    val open: List<SimulatedDevice> get() = devices.filter { !it.isClosed }

    fun reset() {
        devices.clear()
        watchers.clear()
        requests.clear()
        SimulatedReader.made.clear()
        attempts = 0
        refusal = null
        errorOnOpen = null
        configures = true
        requestFailure = null
    }

    /** A back camera with a torch and a front camera without, in place of those that were there. */
    fun addCameras(backDegrees: Int = 90, frontDegrees: Int = 270) {
        val manager = app.getSystemService(CameraManager::class.java)
        for ((id, facing) in mapOf("0" to CameraCharacteristics.LENS_FACING_BACK, "1" to CameraCharacteristics.LENS_FACING_FRONT)) {
            if (id in manager.cameraIdList) shadowOf(manager).removeCamera(id)
            val traits = ShadowCameraCharacteristics.newCameraCharacteristics()
            val streams = StreamConfigurationMapBuilder.newBuilder()
                .addOutputSize(ImageFormat.YUV_420_888, Size(640, 480)).addOutputSize(Size(640, 480)).build()
            shadowOf(traits).set(CameraCharacteristics.LENS_FACING, facing)
            shadowOf(traits).set(CameraCharacteristics.SENSOR_ORIENTATION, if (id == "0") backDegrees else frontDegrees)
            shadowOf(traits).set(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, streams)
            shadowOf(traits).set(CameraCharacteristics.FLASH_INFO_AVAILABLE, id == "0")
            shadowOf(traits).set(
                CameraCharacteristics.CONTROL_AF_AVAILABLE_MODES,
                intArrayOf(CameraCharacteristics.CONTROL_AF_MODE_CONTINUOUS_PICTURE),
            )
            shadowOf(manager).addCamera(id, traits)
        }
    }

    /** Another app closed the camera. */
    fun becomesFree(id: String) = watchers.forEach { (watcher, handler) -> handler.post { watcher.onCameraAvailable(id) } }
}

class SimulatedDevice(
    private val name: String, private val callback: CameraDevice.StateCallback, private val handler: Handler,
) : CameraDevice() {
    @Volatile var isClosed = false
    @Volatile var session: SimulatedSession? = null

    fun opens() = handler.post { callback.onOpened(this) }

    fun isTakenAway() = handler.post { callback.onDisconnected(this) }

    fun fails(code: Int) = handler.post { callback.onError(this, code) }

    override fun getId() = name

    override fun createCaptureSession(outputs: List<Surface>, callback: CameraCaptureSession.StateCallback, handler: Handler?) =
        begin(callback) { handler!!.post(it) }

    override fun createCaptureSession(wanted: SessionConfiguration) = begin(wanted.stateCallback) { wanted.executor.execute(it) }

    private fun begin(callback: CameraCaptureSession.StateCallback, run: (Runnable) -> Unit) {
        check(!isClosed) { "CameraDevice was already closed" }
        val made = SimulatedSession(this)
        session = made
        run(Runnable { if (SimulatedService.configures) callback.onConfigured(made) else callback.onConfigureFailed(made) })
    }

    override fun createCaptureRequest(template: Int): CaptureRequest.Builder {
        check(!isClosed) { "CameraDevice was already closed" }
        return Shadow.newInstanceOf(CaptureRequest.Builder::class.java)
    }

    override fun close() {
        isClosed = true
    }

    override fun createCaptureSessionByOutputConfigurations(
        outputs: List<OutputConfiguration>, callback: CameraCaptureSession.StateCallback, handler: Handler?,
    ): Unit = unused()

    override fun createReprocessableCaptureSession(
        input: InputConfiguration, outputs: List<Surface>, callback: CameraCaptureSession.StateCallback, handler: Handler?,
    ): Unit = unused()

    override fun createReprocessableCaptureSessionByConfigurations(
        input: InputConfiguration, outputs: List<OutputConfiguration>, callback: CameraCaptureSession.StateCallback, handler: Handler?,
    ): Unit = unused()

    override fun createConstrainedHighSpeedCaptureSession(
        outputs: List<Surface>, callback: CameraCaptureSession.StateCallback, handler: Handler?,
    ): Unit = unused()

    override fun createCustomCaptureSession(
        input: InputConfiguration?, outputs: List<OutputConfiguration>, mode: Int, callback: CameraCaptureSession.StateCallback,
        handler: Handler?,
    ): Unit = unused()

    override fun createReprocessCaptureRequest(input: TotalCaptureResult): CaptureRequest.Builder = unused()
}

private fun unused(): Nothing = throw AssertionError("the app does not call this")

class SimulatedSession(private val owner: SimulatedDevice) : CameraCaptureSession() {
    override fun getDevice() = owner

    override fun setRepeatingRequest(request: CaptureRequest, listener: CaptureCallback?, handler: Handler?): Int {
        SimulatedService.requestFailure?.let { throw it }
        check(!owner.isClosed) { "CameraDevice was already closed" }
        return SimulatedService.requests.size
    }

    override fun close() = Unit

    override fun prepare(surface: Surface): Unit = unused()

    override fun prepare(most: Int, surface: Surface): Unit = unused()

    override fun tearDown(surface: Surface): Unit = unused()

    override fun finalizeOutputConfigurations(outputs: List<OutputConfiguration>): Unit = unused()

    override fun capture(request: CaptureRequest, listener: CaptureCallback?, handler: Handler?): Int = unused()

    override fun captureBurst(requests: List<CaptureRequest>, listener: CaptureCallback?, handler: Handler?): Int = unused()

    override fun setRepeatingBurst(requests: List<CaptureRequest>, listener: CaptureCallback?, handler: Handler?): Int = unused()

    override fun stopRepeating(): Unit = unused()

    override fun abortCaptures(): Unit = unused()

    override fun isReprocessable() = false

    override fun getInputSurface(): Surface? = null
}

/** [CameraManager]: opens [SimulatedDevice]s, and calls every camera free at once to whoever asks, as the platform does. */
@Implements(CameraManager::class)
class SimulatedManager : ShadowCameraManager() {
    @Implementation
    fun openCamera(id: String, callback: CameraDevice.StateCallback, handler: Handler) {
        SimulatedService.attempts++
        SimulatedService.refusal?.let { throw it }
        val device = SimulatedDevice(id, callback, handler)
        SimulatedService.devices.add(device)
        val code = SimulatedService.errorOnOpen
        if (code == null) device.opens() else device.fails(code)
    }

    @Implementation
    override fun registerAvailabilityCallback(watcher: CameraManager.AvailabilityCallback, handler: Handler) {
        SimulatedService.watchers.add(watcher to handler)
        if (SimulatedService.errorOnOpen != null) SimulatedService.becomesFree("0")
    }

    @Implementation
    override fun unregisterAvailabilityCallback(watcher: CameraManager.AvailabilityCallback) {
        SimulatedService.watchers.removeAll { it.first === watcher }
    }
}

/** What a request asks for, by the keys' names. */
@Implements(CaptureRequest.Builder::class)
class SimulatedRequest {
    val values = HashMap<String, Any?>()
    val targets = ArrayList<Surface>()

    @Implementation
    fun addTarget(surface: Surface) {
        targets.add(surface)
    }

    @Implementation
    fun <T> set(key: CaptureRequest.Key<T>, value: T) {
        values[key.name] = value
    }

    @Implementation
    fun build(): CaptureRequest {
        SimulatedService.requests.add(this)
        return Shadow.newInstanceOf(CaptureRequest::class.java)
    }
}

/** [ImageReader], into which a test puts the frames. */
@Implements(ImageReader::class)
class SimulatedReader {
    @RealObject lateinit var real: ImageReader
    private val waiting = ConcurrentLinkedQueue<Image>()
    private val target by lazy { Surface(SurfaceTexture(2)) }
    private var listener: ImageReader.OnImageAvailableListener? = null
    private var handler: Handler? = null
    @Volatile var isClosed = false

    @Implementation
    fun setOnImageAvailableListener(heard: ImageReader.OnImageAvailableListener?, on: Handler?) {
        listener = heard
        handler = on
        made.add(this)
    }

    @Implementation
    fun acquireLatestImage(): Image? {
        check(!isClosed) { "ImageReader is closed" }
        while (waiting.size > 1) waiting.poll()?.close()
        return waiting.poll()
    }

    @Implementation
    fun getSurface(): Surface = target

    @Implementation
    fun close() {
        isClosed = true
    }

    fun bring(image: Image) {
        waiting.add(image)
        handler!!.post { listener!!.onImageAvailable(real) }
    }

    companion object {
        val made = CopyOnWriteArrayList<SimulatedReader>()
        val last: SimulatedReader get() = made.last()
    }
}
