package dev.swiftformer.app

import android.content.Context
import android.content.SharedPreferences
import dev.swiftformer.app.engine.Processor

/** What the user chose, kept across starts. Whatever is stored, what is read is valid. */
class Settings(context: Context) {
    private val stored: SharedPreferences = context.getSharedPreferences("choices", Context.MODE_PRIVATE)

    /** The model's file name in the bundle; null until one was chosen. */
    var model: String?
        get() = text(MODEL)
        set(value) = stored.edit().putString(MODEL, value).apply()

    /** The delegate's name as `DelegateKind` has it; null until one was chosen. */
    var delegate: String?
        get() = text(DELEGATE)
        set(value) = stored.edit().putString(DELEGATE, value).apply()

    /** Threads on the CPU. */
    var threads: Int
        get() = try {
            stored.getInt(THREADS, Processor.usualThreads())
        } catch (e: ClassCastException) {
            Processor.usualThreads()
        }.coerceIn(1, Processor.mostThreads())
        set(value) = stored.edit().putInt(THREADS, value).apply()

    private fun text(key: String): String? = try {
        stored.getString(key, null)
    } catch (e: ClassCastException) {
        null
    }

    private companion object {
        const val MODEL = "model"
        const val DELEGATE = "delegate"
        const val THREADS = "threads"
    }
}
