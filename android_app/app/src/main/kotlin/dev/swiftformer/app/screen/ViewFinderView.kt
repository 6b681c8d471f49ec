package dev.swiftformer.app.screen

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Path
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import dev.swiftformer.app.R
import kotlin.math.min

/** Four corners around what the model sees. Says nothing to TalkBack. */
class ViewFinderView @JvmOverloads constructor(
    context: Context,
    attributes: AttributeSet? = null,
) : View(context, attributes) {
    private val density = resources.displayMetrics.density
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
        strokeWidth = 3 * density
        color = context.getColor(R.color.view_finder)
        setShadowLayer(2 * density, 0f, 0f, context.getColor(R.color.scrim))
    }
    private val path = Path()
    private var seen: RectF? = null

    init {
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    /** Frames [area], in this view's pixels, or nothing. */
    fun show(area: RectF?) {
        if (area == seen) return
        seen = area
        path.reset()
        if (area != null) {
            val inset = MARGIN * density
            val box = RectF(area).apply { inset(inset, inset) }
            val arm = min(ARM * density, min(box.width(), box.height()) / 3)
            corner(box.left, box.top, arm, arm)
            corner(box.right, box.top, -arm, arm)
            corner(box.left, box.bottom, arm, -arm)
            corner(box.right, box.bottom, -arm, -arm)
        }
        invalidate()
    }

    private fun corner(x: Float, y: Float, armX: Float, armY: Float) {
        path.moveTo(x, y + armY)
        path.quadTo(x, y, x + armX / 2, y)
        path.lineTo(x + armX, y)
    }

    override fun onDraw(canvas: Canvas) {
        if (seen != null) canvas.drawPath(path, paint)
    }

    private companion object {
        const val MARGIN = 8f  // dp, so that the corners stay inside the picture
        const val ARM = 28f  // dp
    }
}
