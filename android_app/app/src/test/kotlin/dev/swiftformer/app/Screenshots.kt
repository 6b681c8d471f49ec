package dev.swiftformer.app

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.BitmapShader
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Shader
import android.graphics.drawable.BitmapDrawable
import android.view.View
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import java.io.File
import kotlin.math.abs
import kotlin.math.max

/**
 * Pictures of screens: written to the folder of the property `screenshots.out`, and compared with those in
 * `screenshots.reference`; with `-Dscreenshots=write` they become the reference.
 *
 * Robolectric draws with Android's own code and brings its fonts, so pictures differ between machines by rounding only.
 */
object Screenshots {
    private val out = File(System.getProperty("screenshots.out")!!)
    private val reference = File(System.getProperty("screenshots.reference")!!)
    private val writes = System.getProperty("screenshots") == "write"

    /** Draws [activity] and compares. A live camera's picture is a photo. */
    fun check(name: String, activity: Activity) {
        // Above the camera's view, which draws nothing here, and below everything else.
        activity.findViewById<View>(R.id.cover)?.let { if (it.visibility == View.GONE) putPhoto(it) }
        activity.window.decorView.jumpDrawablesToCurrentState()
        idle()
        val drawn = draw(activity.window.decorView)
        save(drawn, File(out, "$name.png"))
        val file = File(reference, "$name.png")
        if (writes) return save(drawn, file)
        assertTrue("$file is missing: make it with -Dscreenshots=write, and look at it", file.isFile)
        val wanted = BitmapFactory.decodeFile(file.path, BitmapFactory.Options().apply { inScaled = false })
        assertEquals("width of $name", wanted.width, drawn.width)
        assertEquals("height of $name", wanted.height, drawn.height)
        val differing = mostDiffering(drawn, wanted)
        if (differing > MOST_DIFFERENT) fail("$name: in one place $differing pixels differ from $file; see ${File(out, "$name.png")}")
    }

    fun draw(view: View): Bitmap {
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        return bitmap
    }

    /**
     * How many pixels of a tile have a channel that is off by more than a rounding, in the tile where they are most: of the
     * whole picture, a changed sentence is less than one in a hundred.
     */
    fun mostDiffering(one: Bitmap, other: Bitmap): Int {
        val a = IntArray(one.width * one.height)
        val b = IntArray(a.size)
        one.getPixels(a, 0, one.width, 0, 0, one.width, one.height)
        other.getPixels(b, 0, one.width, 0, 0, one.width, one.height)
        val differing = a.indices.filter { i -> (0..16 step 8).any { abs((a[i] shr it and 255) - (b[i] shr it and 255)) > TOLERANCE } }
        return differing.groupingBy { i -> i % one.width / TILE to i / one.width / TILE }.eachCount().values.maxOrNull() ?: 0
    }

    private fun putPhoto(area: View) {
        val photo = photo()
        val parent = area.parent as View
        val picture = Bitmap.createBitmap(max(1, parent.width), max(1, parent.height), Bitmap.Config.ARGB_8888)
        val scale = max(picture.width.toFloat() / photo.width, picture.height.toFloat() / photo.height)
        val place = Matrix().apply {
            setScale(scale, scale)
            postTranslate((picture.width - photo.width * scale) / 2, (picture.height - photo.height * scale) / 2)
        }
        val shader = BitmapShader(photo, Shader.TileMode.CLAMP, Shader.TileMode.CLAMP).apply { setLocalMatrix(place) }
        Canvas(picture).drawPaint(Paint().apply { this.shader = shader })
        area.background = BitmapDrawable(area.resources, picture)
        area.visibility = View.VISIBLE
    }

    private fun save(bitmap: Bitmap, file: File) {
        file.parentFile?.mkdirs()
        file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    private const val TOLERANCE = 12
    private const val TILE = 40

    /** Half a digit of the smallest text. */
    const val MOST_DIFFERENT = 8
}
