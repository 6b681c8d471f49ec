package dev.swiftformer.core

import org.json.JSONArray
import org.json.JSONObject
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.Random

/** What is read and written as text: JSON, the index of models, preprocessing, the benchmark's arguments and result. */
class TextsTest {
    private fun oneLine(message: String?): String {
        assertTrue(!message.isNullOrBlank() && message.all { isPrintable(it) }, "$message")
        return message!!
    }

    @Test
    fun jsonThatIsNoneIsRefused() {
        val bad = listOf(
            "", " ", "{", "}", "[1,]", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a: 1}", "{'a': 1}", "{\"a\":1, \"a\":2}", "01", "+1",
            "1.", ".5", "1e", "1e999", "-", "NaN", "Infinity", "nul", "truex", "\"", "\"\\x\"", "\"\\u12g4\"", "\"a\nb\"",
            "1 1", "[1] // comment", "/* */ 1", "[".repeat(100_000), "{\"a\":".repeat(100_000), "\u0000", "\uFEFF1",
        )
        for (text in bad) oneLine(assertThrows(JsonException::class.java, { Json.parse(text) }, text.take(20)).message)
    }

    @Test
    fun jsonIsReadAsOrgJsonReadsIt() {
        val text = """{"a": [1, -2.5, 1e3, true, false, null, "x\n\u00e9\ud83d\ude00\/"], "b": {"c": {}}, "d": [], "e": 9007199254740993}"""
        val ours = Json.parse(text) as Map<*, *>
        val theirs = JSONObject(text)
        assertEquals(theirs.getJSONArray("a").getString(6), (ours["a"] as List<*>)[6])
        assertEquals(theirs.getLong("e"), ours["e"])
        assertEquals(listOf(1L, -2.5, 1000.0, true, false, null), (ours["a"] as List<*>).take(6))
        assertTrue(theirs.similar(JSONObject(Json.write(ours))))
    }

    @Test
    fun whatIsWrittenIsReadBackByAnother() {
        val random = Random(4)
        fun value(depth: Int): Any? = when (random.nextInt(if (depth > 4) 6 else 8)) {
            0 -> random.nextLong()
            1 -> random.nextDouble() * 1e6
            2 -> random.nextBoolean()
            3 -> null
            4, 5 -> String(CharArray(random.nextInt(9)) { random.nextInt(0x2100).toChar() })
            6 -> List(random.nextInt(5)) { value(depth + 1) }
            else -> (0 until random.nextInt(5)).associate { "k$it\"\\\n" to value(depth + 1) }
        }
        repeat(500) {
            val made = listOf(value(0))
            for (indent in listOf(false, true)) {
                val text = Json.write(made, indent)
                assertEquals(made, Json.parse(text))
                JSONArray(text)
            }
        }
        assertEquals("""{"a": "NaN", "b": ["Infinity"], "c": "gpu"}""", Json.write(linkedMapOf("a" to Double.NaN, "b" to floatArrayOf(Float.POSITIVE_INFINITY), "c" to DelegateKind.GPU)))
    }

    private val entry = """{"file": "m.tflite", "sha256": "${"ab".repeat(32)}", "size_bytes": 7,
        "golden": {"picture": "golden.png", "logits": [0.5, -1], "largest_difference": 0.05}}"""

    private fun index(models: String) = """{"format": "swiftformer-bundle", "version": 1, "models": [$models]}"""

    @Test
    fun theIndexIsRead() {
        val model = ModelIndex.parse(index(entry)).models.single()
        assertEquals("m.tflite", model.file)
        assertEquals(listOf(0.5f, -1f), model.golden!!.logits.toList())
        assertEquals(0.05f, model.golden!!.largestDifference)
        assertNull(ModelIndex.parse(index(entry.substringBefore(",\n") + "}")).models.single().golden)
        assertEquals(0, ModelIndex.parse(index("")).models.size)
    }

    @Test
    fun brokenIndexesAreRefused() {
        val bad = listOf(
            "", "[]", "{}", "null", index(entry).replace("bundle", "bungle"), index(entry).replace("\"version\": 1", "\"version\": 2"),
            index(entry).replace("\"version\": 1", "\"version\": \"1\""), index("7"), index("$entry, $entry"), index(entry).dropLast(3),
            index(entry.replace("m.tflite", "../m.tflite")), index(entry.replace("m.tflite", "a/b.tflite")), index(entry.replace("m.tflite", ".hidden")),
            index(entry.replace("m.tflite", "")), index(entry.replace("m.tflite", "x".repeat(300))), index(entry.replace("abab", "zzzz")),
            index(entry.replace("abab", "")), index(entry.replace("7", "0")), index(entry.replace("7", "-7")), index(entry.replace("7", "1e99")),
            index(entry.replace("0.5", "null")), index(entry.replace("0.5", "1e300")), index(entry.replace("[0.5, -1]", "[]")),
            index(entry.replace("0.05", "0")), index(entry.replace("0.05", "\"0.05\"")), index(entry.replace("golden.png", "/etc/passwd")),
            index(List(65) { entry.replace("m.", "m$it.") }.joinToString()),
        )
        for (text in bad) oneLine(assertThrows(ModelIndexException::class.java, { ModelIndex.parse(text) }, text.take(90)).message)
    }

    @Test
    fun brokenPreprocessingIsRefused() {
        val good = Preprocessing(224, 224, cropFraction = 0.95).toJson()
        assertEquals(Preprocessing(224, 224, cropFraction = 0.95), Preprocessing.fromJson(Json.parse(Json.write(good))))
        val changes = listOf(
            "height" to 0L, "height" to 5000L, "height" to 224.0, "height" to "224", "width" to -1L, "width" to true, "resize" to "fit",
            "crop_fraction" to 0.01, "crop_fraction" to 1.5, "crop_fraction" to "1", "filter" to "magic", "filter" to 3L, "mean" to listOf(1.0),
            "mean" to listOf(1.0, 2.0, "3"), "std" to listOf(0.0, 1.0, 1.0), "std" to listOf(1.0, 1.0, 1e12), "std" to null,
            "channel_order" to "gbr", "crop_offset" to "ceil", "resampler" to "opencv", "extra" to 1L, "resize" to "squash",
        )
        for ((name, value) in changes) {
            val json = LinkedHashMap(Json.parse(Json.write(good)) as Map<*, *>).also { it[name] = value }
            oneLine(assertThrows(PreprocessingException::class.java, { Preprocessing.fromJson(json) }, "$name $value").message)
        }
        for (json in listOf(null, 7L, emptyMap<String, Any>(), listOf(1L), mapOf("height" to 224L))) {
            assertThrows(PreprocessingException::class.java) { Preprocessing.fromJson(json) }
        }
    }

    @Test
    fun longThinPicturesAreRefused() {
        val preprocessing = Preprocessing(224, 224)
        for ((width, height) in listOf(1 to 400_000, 400_000 to 1, 3 to 2_000_000)) {
            oneLine(assertThrows(PreprocessingException::class.java) { preprocessing.plan(width, height) }.message)
        }
        assertThrows(IllegalArgumentException::class.java) { preprocessing.plan(0, 5) }
    }

    @Test
    fun benchmarkArgumentsAreRead() {
        val plan = BenchmarkPlan.parse(
            mapOf(
                "model" to "/data/local/tmp/a/m.tflite", "delegate" to "gpu", "threads" to "2", "runs" to "100", "warm_up" to "0", "seconds" to "1.25",
                "golden" to "false", "evaluate" to "/data/local/tmp/pictures", "precision_loss" to "false", "result" to "x.json",
            )
        )
        assertEquals(
            BenchmarkPlan("/data/local/tmp/a/m.tflite", DelegateChoice(DelegateKind.GPU, 2), 100, 1.25, 0, false, "/data/local/tmp/pictures", false, "x.json"),
            plan,
        )
        assertTrue(plan.isPath)
        val least = BenchmarkPlan.parse(mapOf("model" to "m.tflite"))
        assertEquals(BenchmarkPlan("m.tflite", DelegateChoice(DelegateKind.CPU, 4), 50, 0.0, 10, true, null, true, "benchmark.json"), least)
        val auto = BenchmarkPlan.parse(mapOf("model" to "m.tflite", "warm_up" to "auto"))
        assertNull(auto.warmUp)
        assertEquals("auto", auto.toJson()["warm_up"])
        assertEquals("cpu_plain", BenchmarkPlan.parse(mapOf("model" to "m.tflite", "delegate" to "cpu_plain")).toJson()["delegate"])
    }

    @Test
    fun strangeBenchmarkArgumentsAreRefused() {
        val bad = listOf(
            mapOf(), mapOf("model" to null), mapOf("model" to ""), mapOf("model" to "m.keras"), mapOf("model" to "/sdcard/m.tflite"),
            mapOf("model" to "/data/local/tmp/../m.tflite"), mapOf("model" to "/data/local/tmp//m.tflite"), mapOf("model" to "/data/local/tmpx/m.tflite"),
            mapOf("model" to "a/m.tflite"), mapOf("model" to "/data/local/tmp/a b.tflite"), mapOf("model" to "/data/local/tmp/\u0000.tflite"),
            mapOf("model" to "/data/local/tmp/" + "a".repeat(600) + ".tflite"), mapOf("model" to "; rm -rf.tflite"),
        ) + listOf(
            "threads" to "0", "threads" to "65", "threads" to "-1", "threads" to "4.0", "threads" to "four", "threads" to "", "threads" to "٤",
            "seconds" to "-1", "seconds" to "3600.1", "seconds" to "1e3", "seconds" to "", "seconds" to ".5", "seconds" to "1.", "seconds" to "NaN",
            "warm_up" to "Auto", "warm_up" to "", "warm_up" to "10001", "seconds" to null, "runs" to "0", "runs" to "100001", "runs" to "99999999999999", "runs" to "1e3", "warm_up" to "-1", "delegate" to "tpu",
            "delegate" to "GPU", "golden" to "yes", "golden" to null, "precision_loss" to "1", "evaluate" to "/etc", "evaluate" to "pictures",
            "evaluate" to "/data/local/tmp/a/..", "evaluate" to "/data/local/tmp/", "result" to "../x.json", "result" to "x.txt",
            "result" to "/x.json", "unknown" to "1", "Model" to "m.tflite",
        ).map { mapOf("model" to "m.tflite", it) }
        for (arguments in bad) {
            oneLine(assertThrows(BenchmarkArgumentException::class.java, { BenchmarkPlan.parse(arguments) }, "$arguments").message)
        }
    }

    @Test
    fun theResultHasEveryFieldOfItsFormat() {
        val result = BenchmarkResult(BenchmarkPlan.parse(mapOf("model" to "m.tflite")))
        val empty = JSONObject(result.toJson())
        assertEquals("swiftformer-benchmark", empty.getString("format"))
        assertTrue(empty.isNull("summary") && empty.isNull("golden"))
        val files = ModelFileTest.entries()
        result.model = ModelFile.read(java.nio.ByteBuffer.wrap(files.getValue("good/int8.tflite")), "m.tflite")
        result.engine = EngineDescription(DelegateChoice(DelegateKind.NNAPI), listOf(Replacement("X", 1, 2, 3)), "dsp", "2.16.1")
        result.fallbacks.add(FallbackReason(FallbackReason.Kind.TOO_HOT, DelegateChoice(DelegateKind.GPU), listOf("4")))
        result.golden = GoldenResult.WrongAnswer(0.2f, 0.05f, 3)
        result.samplesMs = doubleArrayOf(3.0, 1.0, 2.0)
        result.warmUpEnded = BenchmarkResult.WarmUpEnded.STABLE
        result.memory = BenchmarkResult.Memory(1, 2, null, 4)
        result.thermal = BenchmarkResult.Thermal(0, 1, 0.5, Double.NaN)
        result.app = BenchmarkResult.App("a", "1", false)
        result.device = BenchmarkResult.Device("m", "n", 35, "arm64-v8a", "", 8)
        result.evaluation = listOf(BenchmarkResult.Evaluated("a.png", floatArrayOf(1f), "00", null))
        result.error = "two\nlines"
        val json = JSONObject(result.toJson())
        assertEquals(2.0, json.getJSONObject("summary").getDouble("median"))
        assertEquals("stable", json.getString("warm_up_ended"))
        assertEquals("too_hot", json.getJSONArray("fallbacks").getJSONObject(0).getString("kind"))
        assertEquals(2, json.getJSONObject("running").getJSONArray("replacing").getJSONObject(0).getInt("total"))
        assertEquals("NaN", json.getJSONObject("thermal").getString("headroom_after"))
        assertEquals(-14, json.getJSONObject("model").getJSONObject("input").getInt("zero_point"))
        assertEquals("two?lines", json.getString("error"))
        // The documented fields are those that are written.
        val format = java.io.File("BENCHMARK_FORMAT.md").readText().substringAfter("## Result")
        val documented = format.lines().filter { it.startsWith("| `") }.flatMap { line ->
            Regex("`([a-z_0-9.]+)`").findAll(line.split('|')[1]).map { it.groupValues[1] }.toList()
        }.filter { '.' !in it }.toSet()
        assertEquals(documented, json.keySet())
    }
}
