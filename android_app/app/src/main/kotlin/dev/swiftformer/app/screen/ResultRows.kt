package dev.swiftformer.app.screen

import android.content.ClipData
import android.content.ClipboardManager
import android.content.Context
import android.graphics.Typeface
import android.os.Build
import android.util.TypedValue
import android.view.View
import android.view.ViewGroup
import android.view.accessibility.AccessibilityNodeInfo
import android.widget.TextView
import android.widget.Toast
import dev.swiftformer.app.R
import java.text.NumberFormat
import kotlin.math.abs

/**
 * One class and how sure the model is of it.
 *
 * @property name of the class; null where the file has no names.
 * @property index of the class in the model's output.
 * @property confidence 0 to 1.
 */
class Answer(val name: String?, val index: Int, val confidence: Float)

/**
 * The five rows of answers: name, percent, bar; a tap copies a row.
 *
 * Rows are written only where something changed, and a new best answer is spoken once it has been the best for
 * [SPEAK_AFTER_MS], so that a moving camera does not make TalkBack talk without end.
 */
class ResultRows(private val container: ViewGroup, private val spoken: TextView) {
    private val context: Context = container.context
    private val whole = NumberFormat.getIntegerInstance(context.resources.configuration.locales[0])
    private val rows = (0 until container.childCount).map { Row(container.getChildAt(it), it == 0) }
    private val speak = Runnable { spoken.text = rows.first().description() }
    private var best: String? = null

    /** How many answers there is room for. */
    val count: Int get() = rows.size

    /** Shows [answers], best first; rows without one are empty. */
    fun show(answers: List<Answer>) {
        container.visibility = if (answers.isEmpty()) View.GONE else View.VISIBLE
        for ((index, row) in rows.withIndex()) row.show(answers.getOrNull(index))
        val first = answers.firstOrNull()?.let { nameOf(it) }
        if (first == best) return
        best = first
        spoken.removeCallbacks(speak)
        if (first != null) spoken.postDelayed(speak, SPEAK_AFTER_MS)
    }

    private fun nameOf(answer: Answer): String =
        answer.name ?: context.getString(R.string.class_without_name, answer.index)

    private inner class Row(private val view: View, isBest: Boolean) {
        private val label = view.findViewById<TextView>(R.id.row_label)
        private val percent = view.findViewById<TextView>(R.id.row_percent)
        private val bar = view.findViewById<BarView>(R.id.row_bar)
        private var name = ""
        private var shownPercent = -1

        init {
            if (isBest) {
                val size = context.resources.getDimension(R.dimen.text_best)
                label.setTextSize(TypedValue.COMPLEX_UNIT_PX, size)
                percent.setTextSize(TypedValue.COMPLEX_UNIT_PX, size)
                label.typeface = Typeface.create("sans-serif-medium", Typeface.NORMAL)
                percent.setTextColor(context.getColor(R.color.on_surface))
            }
            bar.color = context.getColor(if (isBest) R.color.bar_best else R.color.bar_other)
            view.setOnClickListener { copy(context, context.getString(R.string.copied_text, name, percentText())) }
            view.accessibilityDelegate = object : View.AccessibilityDelegate() {
                override fun onInitializeAccessibilityNodeInfo(host: View, info: AccessibilityNodeInfo) {
                    super.onInitializeAccessibilityNodeInfo(host, info)
                    info.addAction(
                        AccessibilityNodeInfo.AccessibilityAction(
                            AccessibilityNodeInfo.ACTION_CLICK, context.getString(R.string.copy_action),
                        ),
                    )
                    info.contentDescription = description()
                }
            }
            show(null)
        }

        fun show(answer: Answer?) {
            view.visibility = if (answer == null) View.INVISIBLE else View.VISIBLE
            if (answer == null) return
            if (nameOf(answer) != name) {
                name = nameOf(answer)
                label.text = name
            }
            val rounded = Math.round(answer.confidence.coerceIn(0f, 1f) * 100)
            if (rounded != shownPercent) {
                shownPercent = rounded
                percent.text = context.getString(R.string.percent, percentText())
            }
            if (abs(bar.share - answer.confidence) > SMALLEST_STEP) bar.share = answer.confidence
        }

        fun description(): String = context.getString(R.string.row_description, name, percentText())

        private fun percentText(): String = whole.format(shownPercent.coerceAtLeast(0))
    }

    private companion object {
        const val SPEAK_AFTER_MS = 900L
        const val SMALLEST_STEP = 0.001f
    }
}

/** Puts [text] on the clipboard and, where the system does not do so itself (before API 33), says so. */
fun copy(context: Context, text: String) {
    val clipboard = context.getSystemService(ClipboardManager::class.java) ?: return
    clipboard.setPrimaryClip(ClipData.newPlainText(context.getString(R.string.app_name), text))
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) {
        Toast.makeText(context, context.getString(R.string.copied, text), Toast.LENGTH_SHORT).show()
    }
}
