package dev.swiftformer.core

import kotlin.math.floor

/** How a picture reaches the input's size. */
enum class Resize {
    /** The shorter side covers the size divided by the crop fraction, and the centre is cut out. */
    CROP,

    /** Straight to height and width. */
    SQUASH,
}

enum class ChannelOrder { RGB, BGR }

/** How `(size - crop) / 2` is rounded. */
enum class CropOffset {
    /** As torchvision and timm: half to even. */
    HALF_EVEN,

    /** As transformers. */
    FLOOR,
}

/**
 * How a picture becomes a model's input: the contract that travels with the file (`swiftformer_keras/preprocessing.py`,
 * whose words and arithmetic these are).
 *
 * @property height of the input, in pixels.
 * @property width of the input, in pixels.
 * @property cropFraction share of the scaled picture that the crop keeps; 1 with squash.
 * @property filter Pillow's resampling filter, antialiased, on 8-bit channels.
 * @property mean of red, green and blue, where channels run from 0 to 1.
 * @property std the same.
 * @property channelOrder of normalised inputs; pixels are always RGB.
 * @throws PreprocessingException a value is out of range.
 */
data class Preprocessing(
    val height: Int,
    val width: Int,
    val resize: Resize = Resize.CROP,
    val cropFraction: Double = 1.0,
    val filter: ResampleFilter = ResampleFilter.BICUBIC,
    val mean: List<Double> = IMAGENET_MEAN,
    val std: List<Double> = IMAGENET_STD,
    val channelOrder: ChannelOrder = ChannelOrder.RGB,
    val cropOffset: CropOffset = CropOffset.HALF_EVEN,
) {
    init {
        for ((name, value) in listOf("height" to height, "width" to width)) {
            if (value !in 1..MAX_SIZE) wrong(name, "a whole number from 1 to $MAX_SIZE", value)
        }
        for ((name, values) in listOf("mean" to mean, "std" to std)) {
            if (values.size != 3 || values.any { !isNumber(it) }) wrong(name, "three finite numbers", values)
        }
        if (std.any { it < 1e-6 }) wrong("std", "three numbers of at least 1e-6", std)
        if (!isNumber(cropFraction) || cropFraction < 0.05 || cropFraction > 1.0) {
            wrong("crop_fraction", "a number from 0.05 to 1", cropFraction)
        }
        if (resize == Resize.SQUASH && cropFraction != 1.0) {
            wrong("crop_fraction", "1 when resize is \"squash\"", cropFraction)
        }
    }

    /** What a picture is scaled to, and which part of that is the input. */
    class Plan(val scaledWidth: Int, val scaledHeight: Int, val left: Int, val top: Int)

    /**
     * Size of the scaled picture and place of the input in it, for a picture of this size in pixels.
     *
     * A square input follows torchvision's `Resize(int)` (the long side is `int(size * long / short)`), any other timm's
     * `ResizeKeepRatio`; Python's `round` is half to even, and so is [Math.rint].
     *
     * @throws PreprocessingException the picture is so long and thin that its scaled size is unreasonable.
     */
    fun plan(pictureWidth: Int, pictureHeight: Int): Plan {
        require(pictureWidth > 0 && pictureHeight > 0) { "a picture of $pictureWidth x $pictureHeight pixels" }
        var scaledHeight = height.toDouble()
        var scaledWidth = width.toDouble()
        if (resize == Resize.CROP) {
            val targetHeight = floor(height / cropFraction)
            val targetWidth = floor(width / cropFraction)
            if (targetHeight == targetWidth) {
                val short = minOf(pictureWidth, pictureHeight)
                val long = maxOf(pictureWidth, pictureHeight)
                // Python divides two whole numbers exactly; the product stays below 2^53 here.
                val scaled = floor(targetHeight * long / short)
                scaledHeight = if (pictureHeight <= pictureWidth) targetHeight else scaled
                scaledWidth = if (pictureHeight <= pictureWidth) scaled else targetHeight
            } else {
                val ratio = minOf(pictureHeight / targetHeight, pictureWidth / targetWidth)
                scaledHeight = Math.rint(pictureHeight / ratio)
                scaledWidth = Math.rint(pictureWidth / ratio)
            }
        }
        if (scaledHeight * scaledWidth > MAX_RESIZED_PIXELS || scaledHeight < height || scaledWidth < width) {
            throw PreprocessingException(
                "a picture of $pictureWidth x $pictureHeight pixels is too long and thin for the input; cut it first"
            )
        }
        return Plan(
            scaledWidth.toInt(),
            scaledHeight.toInt(),
            offset(scaledWidth.toInt() - width),
            offset(scaledHeight.toInt() - height),
        )
    }

    private fun offset(surplus: Int): Int =
        if (cropOffset == CropOffset.HALF_EVEN) Math.rint(surplus / 2.0).toInt() else Math.floorDiv(surplus, 2)

    /**
     * The value that a normalised input has for channel value [value] (0 to 255) of channel [channel] (0 is red):
     * `(value / 255 - mean) / std`, in float32 at every step as numpy does it.
     */
    fun normalized(channel: Int, value: Int): Float =
        (value.toFloat() / 255f - mean[channel].toFloat()) / std[channel].toFloat()

    /** Plain JSON types, named as in Python; [fromJson] reads it back. */
    fun toJson(): Map<String, Any?> = linkedMapOf(
        "height" to height,
        "width" to width,
        "resize" to resize.name.lowercase(),
        "crop_fraction" to cropFraction,
        "filter" to filter.name.lowercase(),
        "mean" to mean,
        "std" to std,
        "channel_order" to channelOrder.name.lowercase(),
        "crop_offset" to cropOffset.name.lowercase(),
        "resampler" to "pillow",
    )

    companion object {
        const val MAX_SIZE = 4096
        const val MAX_RESIZED_PIXELS = 1L shl 26
        val IMAGENET_MEAN = listOf(0.485, 0.456, 0.406)
        val IMAGENET_STD = listOf(0.229, 0.224, 0.225)

        private val FIELDS = listOf(
            "height", "width", "resize", "crop_fraction", "filter", "mean", "std", "channel_order", "crop_offset",
            "resampler",
        )

        /**
         * Read what [toJson] or Python's `Preprocessing.to_dict` gives; fields with a default may be left out, others
         * may not be added.
         *
         * @throws PreprocessingException a field is unknown, missing or out of range.
         */
        fun fromJson(json: Any?): Preprocessing {
            if (json !is Map<*, *>) throw PreprocessingException("it is no JSON object")
            json.keys.firstOrNull { it !in FIELDS }?.let {
                throw PreprocessingException("unknown field '${shown(it.toString(), 60)}'")
            }
            for (name in listOf("height", "width")) {
                if (name !in json) throw PreprocessingException("$name is missing")
            }
            if ("resampler" in json && json["resampler"] != "pillow") wrong("resampler", "pillow", json["resampler"])
            return Preprocessing(
                height = whole(json, "height"),
                width = whole(json, "width"),
                resize = choice(json, "resize", Resize.values(), Resize.CROP),
                cropFraction = if ("crop_fraction" in json) number("crop_fraction", json["crop_fraction"]) else 1.0,
                filter = choice(json, "filter", ResampleFilter.values(), ResampleFilter.BICUBIC),
                mean = three(json, "mean", IMAGENET_MEAN),
                std = three(json, "std", IMAGENET_STD),
                channelOrder = choice(json, "channel_order", ChannelOrder.values(), ChannelOrder.RGB),
                cropOffset = choice(json, "crop_offset", CropOffset.values(), CropOffset.HALF_EVEN),
            )
        }

        private fun whole(json: Map<*, *>, name: String): Int {
            val value = json[name]
            if (value !is Long || value < 1 || value > MAX_SIZE) wrong(name, "a whole number from 1 to $MAX_SIZE", value)
            return value.toInt()
        }

        private fun <E : Enum<E>> choice(json: Map<*, *>, name: String, values: Array<E>, default: E): E {
            if (name !in json) return default
            val value = json[name]
            return values.firstOrNull { it.name.lowercase() == value }
                ?: wrong(name, "one of " + values.joinToString { it.name.lowercase() }, value)
        }

        private fun three(json: Map<*, *>, name: String, default: List<Double>): List<Double> {
            if (name !in json) return default
            val values = json[name]
            if (values !is List<*> || values.size != 3) wrong(name, "three finite numbers", values)
            return values.map { number(name, it) }
        }

        private fun number(name: String, value: Any?): Double = when (value) {
            is Long -> value.toDouble()
            is Double -> value
            else -> wrong(name, "a number", value)
        }

        private fun isNumber(value: Double): Boolean = value > -1e9 && value < 1e9

        private fun wrong(name: String, wanted: String, value: Any?): Nothing =
            throw PreprocessingException("$name must be $wanted, not ${shown(value.toString(), 60)}")
    }
}

/** A preprocessing is not valid, or cannot be carried out on a picture; [message] is one line. */
class PreprocessingException(message: String) : Exception(message)
