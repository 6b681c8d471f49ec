package dev.swiftformer.app.model

import android.graphics.Bitmap
import android.graphics.Color
import dev.swiftformer.core.ArgbRows
import dev.swiftformer.core.RgbPicture
import dev.swiftformer.core.RgbSource

/** A bitmap as the core reads pictures, row by row; [orientation] is what EXIF says of it, and undone. */
fun Bitmap.asRgb(orientation: Int = 1): RgbSource {
    val bitmap = this
    return ArgbRows(
        object : ArgbRows.Rows {
            override val width = bitmap.width
            override val height = bitmap.height

            override fun read(row: Int, firstColumn: Int, count: Int, into: IntArray) =
                bitmap.getPixels(into, 0, count, firstColumn, row, count, 1)
        },
        orientation,
    )
}

/** A core picture as a bitmap, to be shown. */
fun RgbPicture.toBitmap(): Bitmap {
    val pixels = IntArray(width * height) {
        val at = 3 * it
        Color.rgb(bytes[at].toInt() and 255, bytes[at + 1].toInt() and 255, bytes[at + 2].toInt() and 255)
    }
    return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
}
