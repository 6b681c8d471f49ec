package dev.swiftformer.app.screen

import android.content.res.Configuration
import android.graphics.Rect
import android.view.View
import android.view.ViewGroup
import android.widget.RadioButton
import android.widget.RadioGroup
import android.widget.TextView
import dev.swiftformer.app.R
import kotlin.math.min

/**
 * The sheet where model, delegate and threads are chosen. Choices take effect at once; the sheet stays until it is
 * closed, and shows what really runs.
 */
class ChoicesSheet(root: View, private val chosen: Chosen) {
    /** What the user decides. */
    interface Chosen {
        fun onModel(index: Int)

        /** @param id of the delegate's radio button, which may be the one that was checked before */
        fun onDelegate(id: Int)

        fun onThreads(threads: Int)

        fun onAbout()
    }

    private val sheet = root.findViewById<View>(R.id.choices)
    private val body = root.findViewById<View>(R.id.sheet)
    private val content = root.findViewById<View>(R.id.choices_scroll)
    private val models = root.findViewById<RadioGroup>(R.id.models)
    private val delegates = root.findViewById<RadioGroup>(R.id.delegates)
    private val threads = root.findViewById<TextView>(R.id.threads)
    private val fewer = root.findViewById<View>(R.id.fewer_threads)
    private val more = root.findViewById<View>(R.id.more_threads)
    private val runsOn = root.findViewById<TextView>(R.id.choices_runs_on)
    private val behind = root.findViewById<View>(R.id.parts)
    private var threadCount = 1
    private var showing = false  // while the code, not the user, moves the radio buttons

    val isOpen: Boolean get() = sheet.visibility == View.VISIBLE

    init {
        sheet.setOnClickListener { close() }
        root.findViewById<View>(R.id.close_choices).setOnClickListener { close() }
        root.findViewById<View>(R.id.about).setOnClickListener { chosen.onAbout() }
        fewer.setOnClickListener { chosen.onThreads(threadCount - 1) }
        more.setOnClickListener { chosen.onThreads(threadCount + 1) }
        models.setOnCheckedChangeListener { group, id ->
            val index = group.indexOfChild(group.findViewById<View>(id))
            if (!showing && index >= 0) chosen.onModel(index)
        }
        // A tap and not a change: what was left for another can be asked for again, and its button is still checked.
        for (index in 0 until delegates.childCount) {
            delegates.getChildAt(index).setOnClickListener { chosen.onDelegate(it.id) }
        }
    }

    fun open() {
        sheet.visibility = View.VISIBLE
        // TalkBack and the keyboard stay inside the sheet.
        behind.importantForAccessibility = View.IMPORTANT_FOR_ACCESSIBILITY_NO_HIDE_DESCENDANTS
        (behind as ViewGroup).descendantFocusability = ViewGroup.FOCUS_BLOCK_DESCENDANTS
    }

    fun close() {
        sheet.visibility = View.GONE
        behind.importantForAccessibility = View.IMPORTANT_FOR_ACCESSIBILITY_AUTO
        (behind as ViewGroup).descendantFocusability = ViewGroup.FOCUS_BEFORE_DESCENDANTS
    }

    /** Keeps clear of the system's bars, and narrow on wide screens. */
    fun fit(bars: Rect, configuration: Configuration) {
        val density = sheet.resources.displayMetrics.density
        sheet.setPadding(bars.left, bars.top, bars.right, 0)
        content.setPadding(0, 0, 0, bars.bottom)
        val width = min(configuration.screenWidthDp, WIDEST_DP)
        body.layoutParams = body.layoutParams.apply {
            this.width = if (width < configuration.screenWidthDp) (width * density).toInt() else
                ViewGroup.LayoutParams.MATCH_PARENT
        }
    }

    fun showModels(names: List<String>, checked: Int) = quietly {
        if (models.childCount != names.size) {
            models.removeAllViews()
            for (name in names) {
                val button = View.inflate(models.context, R.layout.choice, null) as RadioButton
                button.id = View.generateViewId()
                models.addView(button, ViewGroup.LayoutParams.MATCH_PARENT, ViewGroup.LayoutParams.WRAP_CONTENT)
            }
        }
        for ((index, name) in names.withIndex()) (models.getChildAt(index) as RadioButton).text = name
        if (checked in names.indices) models.check(models.getChildAt(checked).id) else models.clearCheck()
    }

    fun showDelegate(id: Int) = delegates.check(id)

    fun showThreads(count: Int, most: Int) {
        threadCount = count
        threads.text = sheet.resources.getQuantityString(R.plurals.threads, count, count)
        fewer.isEnabled = count > 1
        more.isEnabled = count < most
        fewer.alpha = if (fewer.isEnabled) 1f else DISABLED
        more.alpha = if (more.isEnabled) 1f else DISABLED
    }

    fun showRunsOn(words: CharSequence) {
        if (runsOn.text.toString() != words.toString()) runsOn.text = words
    }

    private fun quietly(change: () -> Unit) {
        showing = true
        try {
            change()
        } finally {
            showing = false
        }
    }

    private companion object {
        const val WIDEST_DP = 560
        const val DISABLED = 0.38f  // Material's share for what cannot be used
    }
}
