package dev.swiftformer.app.screen

import android.content.Context
import android.util.AttributeSet
import android.widget.ScrollView
import dev.swiftformer.app.R

/**
 * Scrolls what does not fit, and is at most a share of its parent's height (fraction `panel_height`): large fonts
 * then scroll, and never push the camera's picture off the screen.
 */
class PanelScrollView @JvmOverloads constructor(
    context: Context,
    attributes: AttributeSet? = null,
) : ScrollView(context, attributes) {
    override fun onMeasure(widthSpec: Int, heightSpec: Int) {
        if (MeasureSpec.getMode(heightSpec) == MeasureSpec.EXACTLY) return super.onMeasure(widthSpec, heightSpec)
        val most = resources.getFraction(R.fraction.panel_height, MeasureSpec.getSize(heightSpec), 1).toInt()
        super.onMeasure(widthSpec, MeasureSpec.makeMeasureSpec(most, MeasureSpec.AT_MOST))
    }
}
