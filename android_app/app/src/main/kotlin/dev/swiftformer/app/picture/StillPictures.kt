package dev.swiftformer.app.picture

import android.annotation.TargetApi
import android.content.ContentResolver
import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.ColorSpace
import android.graphics.ImageDecoder
import android.graphics.Matrix
import android.media.ExifInterface
import android.net.Uri
import android.os.Build
import android.os.CancellationSignal
import java.io.ByteArrayInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import kotlin.math.max

/** Why a picked or shared picture cannot be shown. */
enum class PictureProblem {
    /** It cannot be opened: taken away, or never granted. */
    CANNOT_OPEN,

    /** It is no picture, or a damaged one. */
    NOT_A_PICTURE,

    /** The device has not enough memory for it, or it is beyond all measure. */
    TOO_LARGE,

    /** The model cannot be given anything so long and thin. */
    TOO_LONG,

    /** The app that provides it does not answer. */
    TOO_SLOW,
}

/** A picture, or why there is none. */
sealed class Opened {
    /** @property file its name where it comes from [KeptPictures]. */
    class Picture(val bitmap: Bitmap, val file: String? = null) : Opened()

    class Problem(val problem: PictureProblem) : Opened()

    /** What was kept is gone, and came from nowhere else. */
    object None : Opened()
}

/**
 * Opens pictures of strangers: upright by their EXIF orientation, in sRGB, over white where they are transparent, as
 * `swiftformer_keras/pictures.py` does.
 *
 * Pictures of more than [MAX_PIXELS] are read at a half, a quarter and so on of their size, those beyond
 * [MAX_SOURCE_PIXELS] not at all. The decoders are the system's: their bytes are not Pillow's, whose equal begins at RGB.
 * Blocks, for as long as the app that provides a picture likes; call it by a [PictureOpener].
 */
class StillPictures(context: Context) {
    private val resolver: ContentResolver = context.contentResolver

    /** Opens what a picker or another app names; only content that was granted, never a file's path. */
    fun open(uri: Uri, signal: CancellationSignal = CancellationSignal()): Opened {
        if (uri.scheme != ContentResolver.SCHEME_CONTENT) return Opened.Problem(PictureProblem.CANNOT_OPEN)
        return try {
            decoded(read(uri, signal))
        } catch (e: OutOfMemoryError) {
            Opened.Problem(PictureProblem.TOO_LARGE)
        } catch (e: TooLargeException) {
            Opened.Problem(PictureProblem.TOO_LARGE)
        } catch (e: IOException) {
            Opened.Problem(PictureProblem.CANNOT_OPEN)
        } catch (e: RuntimeException) {  // other apps' providers throw what they like
            Opened.Problem(PictureProblem.CANNOT_OPEN)
        }
    }

    private fun decoded(file: ByteBuffer): Opened = try {
        val bitmap = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) decode(file) else decodeBeforeP(file)
        if (bitmap == null) Opened.Problem(PictureProblem.NOT_A_PICTURE) else Opened.Picture(opaque(bitmap))
    } catch (e: TooLargeException) {
        throw e
    } catch (e: IOException) {
        Opened.Problem(PictureProblem.NOT_A_PICTURE)
    } catch (e: RuntimeException) {
        Opened.Problem(PictureProblem.NOT_A_PICTURE)
    }

    private class TooLargeException : IOException()

    /** The whole file, so that what comes after waits for nobody. */
    private fun read(uri: Uri, signal: CancellationSignal): ByteBuffer {
        val stream = stream(uri, signal) ?: throw FileNotFoundException(uri.toString())
        signal.setOnCancelListener { close(stream) }  // ends a read() that waits for a writer
        return stream.use { read(it) }
    }

    private fun read(stream: InputStream): ByteBuffer {
        var bytes = ByteArray((stream.available() + 1).coerceIn(FIRST_BYTES, MAX_FILE_BYTES))
        var count = 0
        while (true) {
            val more = stream.read(bytes, count, bytes.size - count)
            if (more < 0) return ByteBuffer.wrap(bytes, 0, count)
            count += more
            if (count >= MAX_FILE_BYTES) throw TooLargeException()
            if (count == bytes.size) bytes = bytes.copyOf(2 * count)
        }
    }

    private fun stream(uri: Uri, signal: CancellationSignal): InputStream? = try {
        resolver.openTypedAssetFileDescriptor(uri, "image/*", null, signal)?.createInputStream()
    } catch (e: FileNotFoundException) {  // a provider that calls its pictures something else
        resolver.openInputStream(uri)
    }

    private fun close(stream: InputStream) {
        try {
            stream.close()
        } catch (e: IOException) {  // it is given up anyway
        }
    }

    @TargetApi(Build.VERSION_CODES.P)
    private fun decode(file: ByteBuffer): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(file)) { decoder, facts, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
            decoder.setTargetSampleSize(sample(facts.size.width, facts.size.height))
        }

    private fun decodeBeforeP(file: ByteBuffer): Bitmap? {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(file.array(), 0, file.limit(), bounds)  // null even where all is well: it decodes nothing
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) return null
        val options = BitmapFactory.Options().apply {
            inSampleSize = sample(bounds.outWidth, bounds.outHeight)
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        }
        val bitmap = BitmapFactory.decodeByteArray(file.array(), 0, file.limit(), options) ?: return null
        val exif = ExifInterface(ByteArrayInputStream(file.array(), 0, file.limit()))
        return upright(bitmap, exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL))
    }

    companion object {
        /** The largest picture that is read whole: 64 MB of pixels. */
        const val MAX_PIXELS = 16L shl 20

        /** The longest side that is shown: what GPUs take as one texture. */
        const val MAX_SHOWN_SIDE = 4096

        /** More than any camera gives; a file of a few bytes may say that it has more, and keep a decoder busy for minutes. */
        const val MAX_SOURCE_PIXELS = 1L shl 28

        /** The largest file that is read, as it is in memory beside its pixels. */
        const val MAX_FILE_BYTES = 128 shl 20

        private const val FIRST_BYTES = 1 shl 20

        /** By how much a picture of this size is read smaller: 1, 2, 4, … */
        fun sample(width: Int, height: Int): Int {
            if (width.toLong() * height > MAX_SOURCE_PIXELS) throw TooLargeException()
            var sample = 1
            while (width.toLong() * height / sample / sample > MAX_PIXELS) sample *= 2
            return sample
        }

        /** [bitmap] as a screen can show it: smaller where one side is beyond [MAX_SHOWN_SIDE], as a panorama's is. */
        fun shown(bitmap: Bitmap): Bitmap {
            val side = max(bitmap.width, bitmap.height)
            if (side <= MAX_SHOWN_SIDE) return bitmap
            fun scaled(length: Int) = max(1, (length.toLong() * MAX_SHOWN_SIDE / side).toInt())
            return Bitmap.createScaledBitmap(bitmap, scaled(bitmap.width), scaled(bitmap.height), true)
        }

        private fun opaque(bitmap: Bitmap): Bitmap {
            if (!bitmap.hasAlpha()) return bitmap
            val flat = Bitmap.createBitmap(max(1, bitmap.width), max(1, bitmap.height), Bitmap.Config.ARGB_8888)
            val canvas = Canvas(flat)
            canvas.drawColor(Color.WHITE)
            canvas.drawBitmap(bitmap, 0f, 0f, null)
            return flat
        }

        /** Undoes an EXIF orientation (EXIF 2.3, tag 0x0112). */
        fun upright(bitmap: Bitmap, orientation: Int): Bitmap {
            val turn = Matrix()
            when (orientation) {
                ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> turn.setScale(-1f, 1f)
                ExifInterface.ORIENTATION_ROTATE_180 -> turn.setRotate(180f)
                ExifInterface.ORIENTATION_FLIP_VERTICAL -> turn.setScale(1f, -1f)
                ExifInterface.ORIENTATION_TRANSPOSE -> turn.apply { setRotate(90f); postScale(-1f, 1f) }
                ExifInterface.ORIENTATION_ROTATE_90 -> turn.setRotate(90f)
                ExifInterface.ORIENTATION_TRANSVERSE -> turn.apply { setRotate(-90f); postScale(-1f, 1f) }
                ExifInterface.ORIENTATION_ROTATE_270 -> turn.setRotate(-90f)
                else -> return bitmap
            }
            return Bitmap.createBitmap(bitmap, 0, 0, bitmap.width, bitmap.height, turn, false)
        }
    }
}
