package dev.swiftformer.core

import java.nio.ByteBuffer

/** Pictures and frames that Kotlin and Python make alike: the lines of tests/android_app/core/pictures.py. */
object GoldenPictures {
    private fun mixed(value: Int, seed: Int): Int {
        var h = value * -1640531535 + seed * 40503 + 97
        h = h xor (h ushr 15)
        h *= -2048144777
        h = h xor (h ushr 13)
        h *= -1028477379
        return h ushr 24
    }

    fun plane(width: Int, height: Int, kind: String, seed: Int): ByteArray = ByteArray(width * height) {
        val x = it % width
        val y = it / width
        when (kind) {
            "noise" -> mixed(it, seed)
            "slope" -> (x * (seed % 5 + 1) + y * (seed % 7 + 1) + seed * 29) and 255
            "blocks" -> ((x / (seed % 3 + 2) + y / (seed % 4 + 3)) and 1) * 255
            else -> throw IllegalArgumentException(kind)
        }.toByte()
    }

    fun picture(width: Int, height: Int, kind: String, seed: Int): RgbPicture {
        val channels = List(3) { plane(width, height, kind, 3 * seed + it) }
        return RgbPicture(width, height, ByteArray(3 * width * height) { channels[it % 3][it / 3] })
    }

    /** A plane with strides: gaps hold what no sample has a right to, and the last row ends with its last sample. */
    fun strided(width: Int, height: Int, kind: String, seed: Int, rowStride: Int, pixelStride: Int): ByteBuffer {
        val samples = plane(width, height, kind, seed)
        val size = (height - 1) * rowStride + (width - 1) * pixelStride + 1
        val bytes = ByteArray(size) { (it * 37 + 11).toByte() }
        for (y in 0 until height) for (x in 0 until width) bytes[y * rowStride + x * pixelStride] = samples[y * width + x]
        val direct = ByteBuffer.allocateDirect(size)
        direct.put(bytes)
        return direct
    }

    fun load(converter: FrameConverter, frame: Map<*, *>) {
        fun int(name: String) = (frame[name] as Long).toInt()
        val kind = frame["kind"] as String
        val chromaWidth = (int("width") + 1) / 2
        val chromaHeight = (int("height") + 1) / 2
        val crop = (frame["crop"] as List<*>).map { (it as Long).toInt() }
        converter.load(
            strided(int("width"), int("height"), kind, int("seed"), int("y_row_stride"), int("y_pixel_stride")),
            strided(chromaWidth, chromaHeight, kind, int("seed") + 1, int("uv_row_stride"), int("uv_pixel_stride")),
            strided(chromaWidth, chromaHeight, kind, int("seed") + 2, int("uv_row_stride"), int("uv_pixel_stride")),
            int("y_row_stride"), int("y_pixel_stride"), int("uv_row_stride"), int("uv_pixel_stride"),
            int("width"), int("height"), crop[0], crop[1], crop[2], crop[3], int("rotation"), frame["mirror"] as Boolean,
        )
    }
}
