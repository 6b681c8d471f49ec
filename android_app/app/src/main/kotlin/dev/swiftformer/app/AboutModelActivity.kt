package dev.swiftformer.app

import android.app.Activity
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import dev.swiftformer.app.screen.AboutLines
import dev.swiftformer.app.screen.Wording
import dev.swiftformer.app.screen.copy
import dev.swiftformer.app.screen.drawUnderSystemBars
import dev.swiftformer.app.screen.onSystemBars
import dev.swiftformer.core.ModelIndexException
import dev.swiftformer.core.ModelProblemException
import kotlin.concurrent.thread

/** What a model file says of itself, read anew from the file; a tap copies a line. */
class AboutModelActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.activity_about)
        drawUnderSystemBars(window)
        val root = findViewById<View>(R.id.about_root)
        onSystemBars(root) { bars -> root.setPadding(bars.left, bars.top, bars.right, bars.bottom) }
        findViewById<View>(R.id.about_back).setOnClickListener { finish() }
        val parts = (application as SwiftFormerApplication).parts
        val file = intent.getStringExtra(FILE)
        val main = Handler(Looper.getMainLooper())
        thread(name = "about") {
            val lines = read(parts, file)
            main.post { if (!isDestroyed) show(lines) }
        }
    }

    private fun read(parts: Parts, file: String?): List<AboutLines.Line> {
        val words = Wording(resources)
        try {
            val entry = parts.models.index().models.firstOrNull { it.file == file }
                ?: return listOf(AboutLines.Line("", getString(R.string.models_missing)))
            return AboutLines(resources).of(parts.models.open(entry).description)
        } catch (e: ModelIndexException) {
            return listOf(AboutLines.Line("", getString(R.string.models_bad_index, e.message)))
        } catch (e: ModelProblemException) {
            return listOf(AboutLines.Line("", words.model(e.problem)))
        }
    }

    private fun show(lines: List<AboutLines.Line>) {
        val list = findViewById<ViewGroup>(R.id.about_lines)
        list.removeAllViews()
        for (line in lines) {
            val view = layoutInflater.inflate(R.layout.about_line, list, false)
            view.findViewById<TextView>(R.id.line_name).apply {
                text = line.name
                visibility = if (line.name.isEmpty()) View.GONE else View.VISIBLE
            }
            view.findViewById<TextView>(R.id.line_value).text = line.value
            view.setOnClickListener { copy(this, line.value) }
            list.addView(view)
        }
    }

    companion object {
        /** Extra: the model's file name in the index. */
        const val FILE = "file"
    }
}
