package dev.swiftformer.app.screen

import android.view.View
import android.widget.Button
import android.widget.TextView
import dev.swiftformer.app.R

/** Writes [text] only where it differs: TalkBack speaks a live region at every writing. */
internal fun change(view: TextView, text: CharSequence) {
    if (view.text.toString() != text.toString()) view.text = text
}

/** The card over the camera's place that says why there is no picture, and offers what can be done about it. */
class Notice(root: View) {
    private val card = root.findViewById<View>(R.id.notice)
    private val text = root.findViewById<TextView>(R.id.notice_text)
    private val action = root.findViewById<Button>(R.id.notice_action)

    /** Shows [words], with a button if [label] is given. */
    fun show(words: CharSequence, label: Int? = null, act: () -> Unit = {}) {
        change(text, words)
        action.visibility = if (label == null) View.GONE else View.VISIBLE
        if (label != null) action.setText(label)
        action.setOnClickListener { act() }
        card.visibility = View.VISIBLE
    }

    fun hide() {
        card.visibility = View.GONE
    }
}
