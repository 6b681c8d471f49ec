package dev.swiftformer.app.screen

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.util.AttributeSet
import android.view.View
import dev.swiftformer.app.R

/** A horizontal bar, filled from the reading direction's start. Says nothing to TalkBack: its row does. */
class BarView @JvmOverloads constructor(context: Context, attributes: AttributeSet? = null) : View(context, attributes) {
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG)
    private val rectangle = RectF()
    private val track = context.getColor(R.color.bar_track)

    /** Colour of the filled part. */
    var color: Int = context.getColor(R.color.bar_other)
        set(value) {
            field = value
            invalidate()
        }

    /** Share that is filled, 0 to 1. */
    var share: Float = 0f
        set(value) {
            val bounded = value.coerceIn(0f, 1f)
            if (bounded == field) return
            field = bounded
            invalidate()
        }

    init {
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    override fun onDraw(canvas: Canvas) {
        val radius = height / 2f
        rectangle.set(0f, 0f, width.toFloat(), height.toFloat())
        paint.color = track
        canvas.drawRoundRect(rectangle, radius, radius, paint)
        val filled = width * share
        if (filled < 1f) return
        if (layoutDirection == LAYOUT_DIRECTION_RTL) rectangle.left = width - filled else rectangle.right = filled
        paint.color = color
        canvas.drawRoundRect(rectangle, radius, radius, paint)
    }
}
