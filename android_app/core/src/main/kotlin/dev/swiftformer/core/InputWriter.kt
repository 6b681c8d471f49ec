package dev.swiftformer.core

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer

/** What a model takes: RGB from 0 to 255, or what [Preprocessing.normalized] makes of it. */
enum class InputKind { PIXELS, NORMALIZED }

/**
 * Pictures into a model's input tensor, as the file's own metadata says: scaled with Pillow's bytes, cut, and each channel
 * value looked up in a table of 3 x 256 (normalised and quantised, or as it is).
 *
 * The input is `(1, height, width, 3)`. Quantising is Python's: float32 division by the scale, half to even, plus the zero
 * point, clipped. A picture of the same size as the one before allocates nothing. Not for several threads at once.
 *
 * @throws IllegalArgumentException the input is of another shape or a quantised one has no scale.
 */
class InputWriter(val preprocessing: Preprocessing, val kind: InputKind, val input: TensorSpec) {
    /** RGB bytes that the last picture became before the table: 3 * height * width, row after row. */
    val pixels = ByteArray(3 * preprocessing.height * preprocessing.width)

    private val floats: FloatArray?
    private val bytes: ByteArray?
    private val floatTable: FloatArray
    private val byteTable: ByteArray
    private val reversed = kind == InputKind.NORMALIZED && preprocessing.channelOrder == ChannelOrder.BGR
    private var resampler: Resampler? = null
    private var floatView: FloatBuffer? = null
    private var viewOf: ByteBuffer? = null

    init {
        require(input.shape == listOf(1, preprocessing.height, preprocessing.width, 3)) {
            "the input is $input, and the preprocessing gives ${preprocessing.height} x ${preprocessing.width} pixels"
        }
        val real = FloatArray(3 * 256) {
            if (kind == InputKind.PIXELS) (it % 256).toFloat() else preprocessing.normalized(it / 256, it % 256)
        }
        if (input.type == TensorType.FLOAT32) {
            floats = FloatArray(pixels.size)
            bytes = null
            floatTable = real
            byteTable = ByteArray(0)
        } else {
            require(input.scale > 0f && input.scale.isFinite()) { "the input is quantised and has no scale" }
            val lowest = if (input.type == TensorType.INT8) -128.0 else 0.0
            floats = null
            bytes = ByteArray(pixels.size)
            floatTable = FloatArray(0)
            byteTable = ByteArray(3 * 256) {
                val steps = Math.rint((real[it] / input.scale).toDouble()) + input.zeroPoint
                Math.max(lowest, Math.min(lowest + 255, steps)).toInt().toByte()
            }
        }
    }

    /**
     * Write [picture] to [into] from its first byte, in the machine's byte order; position and limit are those of the
     * whole buffer afterwards.
     *
     * @throws PreprocessingException the picture is too long and thin to be scaled.
     * @throws IllegalArgumentException [into] has fewer bytes than the input.
     */
    fun write(picture: RgbSource, into: ByteBuffer) {
        require(into.capacity() >= input.sizeBytes) { "${into.capacity()} bytes where the input has ${input.sizeBytes}" }
        resamplerFor(picture.width, picture.height).resample(picture, pixels)
        if (floats != null) writeFloats(floats, into) else writeBytes(bytes!!, into)
    }

    private fun resamplerFor(width: Int, height: Int): Resampler {
        resampler?.let { if (it.sourceWidth == width && it.sourceHeight == height) return it }
        val plan = preprocessing.plan(width, height)
        return Resampler(
            width, height, plan.scaledWidth, plan.scaledHeight, preprocessing.filter,
            plan.left, plan.top, preprocessing.width, preprocessing.height,
        ).also { resampler = it }
    }

    private fun writeFloats(values: FloatArray, into: ByteBuffer) {
        eachChannel { place, entry -> values[place] = floatTable[entry] }
        val view = viewFor(into)
        view.position(0)
        view.put(values)
        into.clear()
    }

    private fun writeBytes(values: ByteArray, into: ByteBuffer) {
        eachChannel { place, entry -> values[place] = byteTable[entry] }
        into.clear()
        into.put(values)
        into.clear()
    }

    /** Tells [store] each channel's place in the input and its entry in the table; inlined, so that no frame allocates. */
    private inline fun eachChannel(store: (place: Int, entry: Int) -> Unit) {
        val first = if (reversed) 2 else 0
        val last = 2 - first
        var i = 0
        while (i < pixels.size) {
            store(i + first, pixels[i].toInt() and 255)
            store(i + 1, 256 + (pixels[i + 1].toInt() and 255))
            store(i + last, 512 + (pixels[i + 2].toInt() and 255))
            i += 3
        }
    }

    /** A float view of the buffer; made once, for engines keep theirs. */
    private fun viewFor(into: ByteBuffer): FloatBuffer {
        floatView?.let { if (viewOf === into) return it }
        into.clear()
        into.order(ByteOrder.nativeOrder())
        return into.asFloatBuffer().also {
            floatView = it
            viewOf = into
        }
    }
}
