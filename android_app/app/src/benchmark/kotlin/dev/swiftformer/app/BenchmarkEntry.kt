package dev.swiftformer.app

import android.content.Context
import android.os.Bundle
import dev.swiftformer.core.BenchmarkArgumentException
import dev.swiftformer.core.BenchmarkPlan
import dev.swiftformer.core.BenchmarkResult
import java.io.File
import java.io.IOException

/** What both entries share: arguments in, a file and a line out. */
class BenchmarkEntry(private val context: Context, private val measure: (BenchmarkPlan) -> BenchmarkResult) {
    constructor(context: Context, benchmark: Benchmark) : this(context, benchmark::run)

    /** @property error why there is no good result, in one line; null where there is. */
    class Done(val file: String?, val json: String?, val error: String?)

    /** Runs what [arguments] ask for and writes the result where the shell reads it without being the app. */
    fun run(arguments: Bundle?): Done {
        val plan = try {
            BenchmarkPlan.parse(texts(arguments))
        } catch (e: BenchmarkArgumentException) {
            return Done(null, null, e.message)
        }
        val result = measure(plan)
        return try {
            write(result)
        } catch (e: OutOfMemoryError) {
            val count = result.evaluation?.size ?: 0
            result.evaluation = null
            result.error = "not enough memory for the result ($count pictures evaluated); evaluate fewer at a time"
            write(result)
        }
    }

    private fun write(result: BenchmarkResult): Done {
        val json = result.toJson()
        val folder = context.getExternalFilesDir(null) ?: return Done(null, json, "no external storage")
        val file = File(folder, result.plan.result)
        return try {
            file.bufferedWriter().use { it.write(json) }
            Done(file.path, json, result.error)
        } catch (e: IOException) {
            Done(null, json, "${file.path}: cannot be written (${e.message})")
        }
    }

    /** Only text counts: `am` can send other types, and each argument's value is checked by the plan. */
    private fun texts(arguments: Bundle?): Map<String, String?> {
        val texts = LinkedHashMap<String, String?>()
        if (arguments == null) return texts
        try {
            for (name in arguments.keySet()) if (name != DEBUG) texts[name] = arguments.getString(name)
        } catch (e: RuntimeException) {  // an extra of a class that does not exist here
            throw BenchmarkArgumentException("an argument cannot be read")
        }
        return texts
    }

    private companion object {
        /** `am instrument` adds it. */
        const val DEBUG = "debug"
    }
}
