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
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicInteger
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
}

/** A picture, or why there is none. */
sealed class Opened {
    class Picture(val bitmap: Bitmap) : Opened()

    class Problem(val problem: PictureProblem) : Opened()
}

/**
 * Opens pictures of strangers: upright by their EXIF orientation, in sRGB, over white where they are transparent, as
 * `swiftformer_keras/pictures.py` does.
 *
 * Pictures of more than [MAX_PIXELS] are read at a half, a quarter and so on of their size, those beyond
 * [MAX_SOURCE_PIXELS] not at all. The decoders are the system's: their bytes are not Pillow's, whose equal begins at RGB.
 * Blocks; call it on a worker.
 *
 * @param readKept reads what [keep] wrote; null where it is no picture.
 */
class StillPictures(
    context: Context,
    private val readKept: (File) -> Bitmap? = { BitmapFactory.decodeFile(it.path) },
) {
    private val resolver: ContentResolver = context.contentResolver
    private val kept = File(context.cacheDir, "still.png")

    /** Packing a large picture takes seconds, and nothing waits for it but [restore]. */
    private val keeper = Executors.newSingleThreadExecutor { work ->
        Thread(work, "keeper").apply { priority = Thread.MIN_PRIORITY }
    }
    private val wishes = AtomicInteger()

    /** Opens what a picker or another app names; only content that was granted, never a file's path. */
    fun open(uri: Uri): Opened {
        if (uri.scheme != ContentResolver.SCHEME_CONTENT) return Opened.Problem(PictureProblem.CANNOT_OPEN)
        return try {
            val bitmap = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) decode(uri) else decodeBeforeP(uri)
            if (bitmap == null) Opened.Problem(PictureProblem.NOT_A_PICTURE) else Opened.Picture(opaque(bitmap))
        } catch (e: OutOfMemoryError) {
            Opened.Problem(PictureProblem.TOO_LARGE)
        } catch (e: TooLargeException) {
            Opened.Problem(PictureProblem.TOO_LARGE)
        } catch (e: IOException) {
            // A decoder's complaint is an IOException too; whether the file opens at all tells the two apart.
            Opened.Problem(if (opens(uri)) PictureProblem.NOT_A_PICTURE else PictureProblem.CANNOT_OPEN)
        } catch (e: SecurityException) {
            Opened.Problem(PictureProblem.CANNOT_OPEN)
        } catch (e: RuntimeException) {  // other apps' providers throw what they like
            Opened.Problem(PictureProblem.CANNOT_OPEN)
        }
    }

    private class TooLargeException : IOException()

    private fun opens(uri: Uri): Boolean = try {
        resolver.openInputStream(uri)?.use { it.read() >= 0 } ?: false
    } catch (e: IOException) {
        false
    } catch (e: RuntimeException) {
        false
    }

    @TargetApi(Build.VERSION_CODES.P)
    private fun decode(uri: Uri): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(resolver, uri)) { decoder, facts, _ ->
            decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
            decoder.setTargetColorSpace(ColorSpace.get(ColorSpace.Named.SRGB))
            decoder.setTargetSampleSize(sample(facts.size.width, facts.size.height))
        }

    private fun decodeBeforeP(uri: Uri): Bitmap? {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        val first = resolver.openInputStream(uri) ?: return null
        first.use { BitmapFactory.decodeStream(it, null, bounds) }  // null even where all is well: it decodes nothing
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) return null
        val options = BitmapFactory.Options().apply {
            inSampleSize = sample(bounds.outWidth, bounds.outHeight)
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        }
        val bitmap = resolver.openInputStream(uri)?.use { BitmapFactory.decodeStream(it, null, options) } ?: return null
        val orientation = resolver.openInputStream(uri)?.use {
            ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        }
        return upright(bitmap, orientation ?: ExifInterface.ORIENTATION_NORMAL)
    }

    /** Keeps a picture for [restore], after the process has died. Returns before that is done. */
    fun keep(bitmap: Bitmap) {
        val wish = wishes.incrementAndGet()
        keeper.execute {
            if (wishes.get() == wish) write(bitmap)
            if (wishes.get() != wish) kept.delete()
        }
    }

    /** A picture that cannot be written is not kept, and neither is the one before it. */
    private fun write(bitmap: Bitmap) {
        val fresh = File(kept.path + ".new")
        val whole = try {
            FileOutputStream(fresh).use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        } catch (e: IOException) {
            false
        } catch (e: OutOfMemoryError) {
            false
        } catch (e: RuntimeException) {  // the bitmap was recycled
            false
        }
        if (whole && fresh.renameTo(kept)) return
        fresh.delete()
        kept.delete()
    }

    /**
     * What [keep] kept, or null. What cannot be read is forgotten: the state that asks for it is saved, and would ask again
     * at each start.
     */
    fun restore(): Bitmap? = keeper.submit(
        Callable {
            val bitmap = try {
                if (kept.isFile) readKept(kept) else null
            } catch (e: OutOfMemoryError) {
                null
            } catch (e: RuntimeException) {
                null
            }
            if (bitmap == null) kept.delete()
            bitmap
        },
    ).get()

    /** Forgets what [keep] kept. */
    fun forget() {
        wishes.incrementAndGet()
        keeper.execute { kept.delete() }
    }

    /** Whose picture was kept last, so that nobody forgets another's. */
    @Volatile
    var owner: Any? = null

    companion object {
        /** The largest picture that is read whole: 64 MB of pixels. */
        const val MAX_PIXELS = 16L shl 20

        /** The longest side that is shown: what GPUs take as one texture. */
        const val MAX_SHOWN_SIDE = 4096

        /** More than any camera gives; a file of a few bytes may say that it has more, and keep a decoder busy for minutes. */
        const val MAX_SOURCE_PIXELS = 1L shl 28

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
