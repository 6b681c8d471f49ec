package dev.swiftformer.app.screen

import android.content.res.Resources
import dev.swiftformer.app.R
import dev.swiftformer.core.InputKind
import dev.swiftformer.core.ModelDescription
import dev.swiftformer.core.OutputKind
import dev.swiftformer.core.Preprocessing
import dev.swiftformer.core.ResampleFilter
import dev.swiftformer.core.Resize
import java.text.NumberFormat
import java.util.Locale

/** A model's metadata as lines of name and value, in the user's language. */
class AboutLines(private val resources: Resources) {
    /** @property name empty for a line that says something by itself. */
    class Line(val name: String, val value: String)

    private val locale: Locale = resources.configuration.locales[0]
    private val whole = NumberFormat.getIntegerInstance(locale)

    fun of(model: ModelDescription): List<Line> {
        val card = model.card
        val source = card.source
        val lines = ArrayList<Line>()
        fun add(name: Int, value: String) {
            val stated = value.isNotBlank() && value != UNKNOWN
            lines.add(Line(resources.getString(name), if (stated) value else resources.getString(R.string.about_unknown)))
        }
        if (card.needsLitert) lines.add(Line("", resources.getString(R.string.about_needs_litert)))
        add(R.string.about_name, card.name)
        if (card.description.isNotBlank()) add(R.string.about_description, card.description)
        add(R.string.about_source, listOf(source.name, source.fileName).filter { it.isNotBlank() }.distinct().joinToString(", "))
        add(R.string.about_source_sha256, source.sha256)
        add(R.string.about_licence, card.licence)
        add(R.string.about_author, card.author)
        add(R.string.about_version, card.version)
        add(R.string.about_classes, classes(model))
        add(R.string.about_preprocessing, preprocessing(card.preprocessing))
        add(R.string.about_input, input(model))
        add(R.string.about_output, model.output.toString() + ", " + output(card.outputKind))
        add(R.string.about_precision, card.precision)
        add(R.string.about_made, resources.getString(R.string.about_gelu, card.gelu, card.tokenWeights))
        add(R.string.about_file, model.where)
        add(R.string.about_size, size(model.sizeBytes))
        add(R.string.about_sha256, model.sha256)
        lines.add(Line("", resources.getString(R.string.about_copy_hint)))
        return lines
    }

    private fun output(kind: OutputKind): String = resources.getString(
        when (kind) {
            OutputKind.LOGITS -> R.string.output_logits
            OutputKind.PROBABILITIES -> R.string.output_probabilities
        },
    )

    private fun classes(model: ModelDescription): String = resources.getQuantityString(
        if (model.labels == null) R.plurals.about_class_count_unnamed else R.plurals.about_class_count,
        model.classes, model.classes,
    )

    private fun preprocessing(contract: Preprocessing): String {
        val filter = resources.getString(
            when (contract.filter) {
                ResampleFilter.NEAREST -> R.string.filter_nearest
                ResampleFilter.BILINEAR -> R.string.filter_bilinear
                ResampleFilter.BICUBIC -> R.string.filter_bicubic
                ResampleFilter.LANCZOS -> R.string.filter_lanczos
                ResampleFilter.BOX -> R.string.filter_box
                ResampleFilter.HAMMING -> R.string.filter_hamming
            },
        )
        if (contract.resize == Resize.SQUASH) {
            return resources.getString(R.string.about_squash, contract.width, contract.height, filter)
        }
        val percent = String.format(locale, "%.1f", contract.cropFraction * 100)
        return resources.getString(R.string.about_crop, contract.width, contract.height, percent, filter)
    }

    private fun input(model: ModelDescription): String {
        val how = when (model.card.inputKind) {
            InputKind.PIXELS -> resources.getString(R.string.about_pixels)
            InputKind.NORMALIZED -> resources.getString(
                R.string.about_normalized, model.preprocessing.channelOrder.name,
                model.preprocessing.mean.joinToString(), model.preprocessing.std.joinToString(),
            )
        }
        return model.input.toString() + ", " + how
    }

    /** In megabytes of a million bytes, and in bytes. */
    private fun size(bytes: Long): String =
        resources.getString(R.string.about_bytes, String.format(locale, "%.1f", bytes / 1e6), whole.format(bytes))

    private companion object {
        const val UNKNOWN = "unknown"
    }
}
