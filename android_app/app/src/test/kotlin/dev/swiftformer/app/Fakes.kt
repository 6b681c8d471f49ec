package dev.swiftformer.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Rect
import android.graphics.SurfaceTexture
import android.media.Image
import android.util.Size
import dev.swiftformer.app.camera.CameraFacts
import dev.swiftformer.app.camera.CameraSource
import dev.swiftformer.app.camera.Facing
import dev.swiftformer.app.engine.InterpreterFactory
import dev.swiftformer.app.engine.OwnLog
import dev.swiftformer.app.engine.Thermal
import dev.swiftformer.app.model.AssetFiles
import dev.swiftformer.app.model.BundleFiles
import dev.swiftformer.app.model.ModelLibrary
import dev.swiftformer.app.model.OpenModel
import dev.swiftformer.app.picture.KeptPictures
import dev.swiftformer.app.picture.StillPictures
import dev.swiftformer.core.AttemptStore
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.EngineFactory
import dev.swiftformer.core.InferenceEngine
import dev.swiftformer.core.ModelIndex
import dev.swiftformer.core.Replacement
import java.io.ByteArrayInputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.CopyOnWriteArrayList

/** The app with everything that a desktop has not replaced: camera, engines. Models, pictures, screens are real. */
class TestApplication : SwiftFormerApplication() {
    val fakes by lazy { FakeParts(this) }
    override val parts: Parts get() = fakes
}

class FakeParts(private val context: Context) : Parts {
    override val settings = Settings(context)
    var files: BundleFiles = AssetFiles(context.assets)
    override val models: ModelLibrary get() = ModelLibrary(files)
    override val pictures = StillPictures(context)
    override val kept = KeptPictures(context)
    val fakeCamera = FakeCamera()

    /** Set to run the real camera code. */
    var device: CameraSource? = null
    override val camera: CameraSource get() = device ?: fakeCamera
    override val attempts = MemoryStore()
    override val build = "test"
    val lab = FakeLab()

    /** Set to run TFLite itself, with this log. */
    var log: OwnLog? = null

    override fun thermal() = Thermal(context)

    override fun engines(model: OpenModel): EngineFactory = log?.let { InterpreterFactory(model.bytes, it) } ?: lab.of(model, models.index().models.first { it.file == model.description.where })
}

class MemoryStore : AttemptStore {
    var text = ""

    override fun read() = text

    override fun write(text: String) {
        this.text = text
    }
}

/** Engines that answer the golden picture as recorded, and then what the test wants. */
class FakeLab {
    val made = CopyOnWriteArrayList<DelegateChoice>()
    @Volatile var open = 0

    /** Delegates that refuse, and in which words. */
    val refusals = HashMap<DelegateKind, String>()

    /** Delegates that answer the golden picture wrongly. */
    val wrong = HashSet<DelegateKind>()

    /** Delegates whose share cannot be read. */
    val silent = HashSet<DelegateKind>()

    /** What the log says of a delegate, where it is not that it took all. */
    val shares = HashMap<DelegateKind, List<Replacement>>()

    /** The last picture as the model got it. */
    @Volatile var seen: List<Float>? = null

    /** The logits of class indices; all others are 0. */
    @Volatile var logits: Map<Int, Float> = mapOf(207 to 9f, 208 to 6.4f, 219 to 5f, 852 to 4.4f, 222 to 4f)

    /** Thrown by the next run after the golden picture's. */
    @Volatile var failure: Throwable? = null

    fun of(model: OpenModel, entry: ModelIndex.Entry) = object : EngineFactory {
        override fun create(choice: DelegateChoice): InferenceEngine {
            made.add(choice)
            refusals[choice.kind]?.let { throw EngineException(it) }
            return Engine(model, entry, choice)
        }
    }

    private inner class Engine(private val model: OpenModel, private val entry: ModelIndex.Entry, choice: DelegateChoice) : InferenceEngine {
        private val thread = Thread.currentThread()
        private var golden = true
        override val input: ByteBuffer = buffer(model.description.input.sizeBytes)
        override val output: ByteBuffer = buffer(model.description.output.sizeBytes)
        override val description = EngineDescription(
            choice,
            if (choice.kind in silent) null else shares[choice.kind] ?: listOf(Replacement(NAMES.getValue(choice.kind), 90, 90, 1)),
            if (choice.kind == DelegateKind.NNAPI) "example-npu" else null,
            "2.16.1",
        )

        init {
            open++
        }

        override fun run() {
            check(Thread.currentThread() === thread) { "an engine must stay on its thread" }
            if (!golden) failure?.let {
                failure = null
                throw it
            }
            if (!golden) seen = List(input.capacity() / 4) { input.getFloat(4 * it) }
            for (index in 0 until model.description.classes) {
                val value = if (golden) entry.golden!!.logits[index] else logits[index] ?: 0f
                output.putFloat(4 * index, if (golden && description.choice.kind in wrong) value + 1 else value)
            }
            golden = false
        }

        override fun close() {
            check(Thread.currentThread() === thread) { "an engine must be closed on its thread" }
            open--
        }

        private fun buffer(size: Int) = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
    }

    private companion object {
        /** As the runtime's log has them. */
        val NAMES = mapOf(
            DelegateKind.CPU to "TfLiteXNNPackDelegate", DelegateKind.GPU to "TfLiteGpuDelegateV2",
            DelegateKind.NNAPI to "TfLiteNnapiDelegate",
        )
    }
}

/** A camera that does what a test tells it. */
class FakeCamera : CameraSource {
    var list = listOf(facts(Facing.BACK, true), facts(Facing.FRONT, false))
    var started: CameraFacts? = null
    var starts = 0
    var lit = false
    var listener: CameraSource.Listener? = null

    override fun cameras() = list

    override fun start(camera: CameraFacts, preview: SurfaceTexture, listener: CameraSource.Listener) {
        started = camera
        starts++
        this.listener = listener
    }

    override fun setTorch(on: Boolean, listener: CameraSource.Listener) {
        if (listener === this.listener) lit = on
    }

    override fun stop(listener: CameraSource.Listener) {
        if (listener !== this.listener) return
        started = null
        lit = false
    }

    companion object {
        fun facts(facing: Facing, torch: Boolean, sensorDegrees: Int = if (facing == Facing.BACK) 90 else 270) = CameraFacts(
            facing.name, facing, sensorDegrees, torch, true, Size(640, 480), Size(1440, 1080),
        )
    }
}

/**
 * A made-up frame as ImageReader gives it: YUV_420_888, rows padded, chroma planar or with gaps between its samples.
 *
 * @param fill the sample of a plane (0 to 2: Y, U, V) in a column and row of that plane; where there is none, 0 is.
 */
class FakeImage(
    private val wide: Int,
    private val high: Int,
    private val rowPadding: Int = 32,
    private val chromaStep: Int = 2,
    planeCount: Int = 3,
    shortBy: Int = 0,
    fill: (Int, Int, Int) -> Int = { plane, x, y -> if (plane == 0) (x / 80 xor y / 80) * 30 and 255 else 128 },
) : Image() {
    private val planes = List(planeCount) { index ->
        val step = if (index == 0) 1 else chromaStep
        val columns = if (index == 0) wide else (wide + 1) / 2
        val rows = if (index == 0) high else (high + 1) / 2
        val stride = columns * step + rowPadding
        val bytes = ByteBuffer.allocateDirect((stride * rows - shortBy).coerceAtLeast(1))
        for (y in 0 until rows) for (x in 0 until columns) {
            val at = y * stride + x * step
            if (at < bytes.capacity()) bytes.put(at, fill(index, x, y).toByte())
        }
        plane(bytes, stride, step)
    }
    private var crop = Rect(0, 0, wide, high)
    var isClosed = false

    override fun getFormat() = android.graphics.ImageFormat.YUV_420_888

    override fun getWidth() = wide

    override fun getHeight() = high

    override fun getTimestamp() = 0L

    override fun getTransform() = 0

    override fun getScalingMode() = 0

    override fun getCropRect() = crop

    override fun setCropRect(cropRect: Rect) {
        crop = cropRect
    }

    override fun getPlanes(): Array<Plane> {
        check(!isClosed) { "Image is already closed" }
        return planes.toTypedArray()
    }

    override fun close() {
        isClosed = true
    }

    private fun plane(bytes: ByteBuffer, row: Int, pixel: Int) = object : Plane() {
        override fun getRowStride() = row

        override fun getPixelStride() = pixel

        override fun getBuffer() = bytes
    }
}

/** A bundle in memory. */
class MemoryFiles(val content: HashMap<String, ByteArray> = HashMap()) : BundleFiles {
    override fun open(name: String): InputStream = ByteArrayInputStream(content[name] ?: throw FileNotFoundException(name))

    override fun map(name: String): ByteBuffer {
        val bytes = content[name] ?: throw FileNotFoundException(name)
        return ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).apply { put(bytes).rewind() }
    }

    companion object {
        /** The tests' own bundle, to be damaged. */
        fun copy(context: Context): MemoryFiles {
            val files = MemoryFiles()
            for (name in context.assets.list("models").orEmpty()) {
                files.content[name] = context.assets.open("models/$name").use { it.readBytes() }
            }
            return files
        }
    }
}

/** A photo of the package's samples, which lies in the tests' resources. */
fun photo(): Bitmap = BitmapFactory.decodeStream(photoAsPng().inputStream())

fun photoAsPng(): ByteArray = FakeImage::class.java.getResourceAsStream("/photo.png")!!.use { it.readBytes() }
