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
        val share = differing(drawn, wanted)
        if (share > MOST_DIFFERENT) fail("$name: %.2f %% of the pixels differ from $file; see ${File(out, "$name.png")}".format(100 * share))
    }

    private fun draw(view: View): Bitmap {
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        view.draw(Canvas(bitmap))
        return bitmap
    }

    /** Share of the pixels of which a channel is off by more than a rounding. */
    fun differing(one: Bitmap, other: Bitmap): Double {
        val a = IntArray(one.width * one.height)
        val b = IntArray(a.size)
        one.getPixels(a, 0, one.width, 0, 0, one.width, one.height)
        other.getPixels(b, 0, one.width, 0, 0, one.width, one.height)
        return a.indices.count { i -> (0..16 step 8).any { abs((a[i] shr it and 255) - (b[i] shr it and 255)) > TOLERANCE } } / a.size.toDouble()
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
    private const val MOST_DIFFERENT = 0.01
}
