package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.tensorflow.lite.support.metadata.MetadataExtractor
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.Random
import java.util.zip.ZipInputStream

/** Real, broken and hostile .tflite files, which Python made: read as Python reads them, or refused with the right words. */
class ModelFileTest {
    private val files = entries()

    private fun direct(bytes: ByteArray): ByteBuffer =
        ByteBuffer.allocateDirect(bytes.size).also { it.put(bytes).position(bytes.size / 2) }

    private fun read(bytes: ByteArray): ModelDescription = ModelFile.read(direct(bytes), "model.tflite")

    private fun problem(bytes: ByteArray): ModelProblem = problemOf { read(bytes) }

    private fun problemOf(call: () -> Unit): ModelProblem = assertThrows(ModelProblemException::class.java, call).problem

    @TestFactory
    fun goodFilesAreReadAsPythonReadsThem(): List<DynamicTest> =
        files.keys.filter { it.startsWith("good/") && it.endsWith(".tflite") }.map { name ->
            DynamicTest.dynamicTest(name) {
                val model = read(files.getValue(name))
                val facts = Json.parse(files.getValue(name.replace(".tflite", ".json")).decodeToString()) as Map<*, *>
                assertEquals(facts["sha256"], model.sha256)
                assertEquals(facts["size_bytes"], model.sizeBytes)
                assertEquals(facts["labels"], model.labels)
                assertEquals(facts["name"], model.card.name)
                assertEquals(facts["licence"], model.card.licence)
                assertEquals(facts["author"], model.card.author)
                assertEquals(facts["precision"], model.card.precision)
                assertEquals(facts["needs_litert"], model.card.needsLitert)
                assertEquals((facts["source"] as Map<*, *>)["sha256"], model.card.source.sha256)
                assertEquals(facts["input_kind"], model.card.inputKind.name.lowercase())
                assertEquals(facts["output_kind"], model.card.outputKind.name.lowercase())
                assertEquals(Preprocessing.fromJson(facts["preprocessing"]), model.preprocessing)
                assertEquals(Json.write(facts["preprocessing"]).toSortedLetters(), Json.write(model.preprocessing.toJson()).toSortedLetters())
                assertEquals(4, model.classes)
                assertEquals(2, model.operators)
                assertTrue(model.inputWriter().pixels.isNotEmpty())
            }
        }

    private fun String.toSortedLetters() = toList().sorted().joinToString("")

    @Test
    fun quantisationIsRead() {
        val int8 = read(files.getValue("good/int8.tflite"))
        assertEquals(TensorSpec("image", listOf(1, 32, 24, 3), TensorType.INT8, 0.0186f, -14), int8.input)
        assertEquals(TensorSpec("scores", listOf(1, 4), TensorType.INT8, 0.25f, 7), int8.output)
        val uint8 = read(files.getValue("good/uint8.tflite"))
        assertEquals(TensorType.UINT8, uint8.input.type)
        assertEquals(128, uint8.output.zeroPoint)
    }

    @Test
    fun labelsHaveNumbersWhereThereAreNone() {
        assertEquals("青", read(files.getValue("good/tiny.tflite")).label(2))
        assertEquals("2", read(files.getValue("good/no labels.tflite")).label(2))
    }

    @TestFactory
    fun filesAreRefusedWithTheRightProblem(): List<DynamicTest> =
        files.keys.filter { it.startsWith("refused/") }.map { name ->
            DynamicTest.dynamicTest(name) {
                val kind = ModelProblem.Kind.valueOf(name.split('/')[1])
                val problem = problem(files.getValue(name))
                assertEquals(kind, problem.kind, problem.message)
                assertOneLine(problem)
            }
        }

    @TestFactory
    fun hostileFilesAreRefused(): List<DynamicTest> = files.keys.filter { it.startsWith("hostile/") }.map { name ->
        DynamicTest.dynamicTest(name) { assertOneLine(problem(files.getValue(name))) }
    }

    @TestFactory
    fun oddFilesAreReadOrRefused(): List<DynamicTest> = files.keys.filter { it.startsWith("odd/") }.map { name ->
        DynamicTest.dynamicTest(name) { readOrRefused(files.getValue(name)) }
    }

    @Test
    fun thereAreManyBrokenFiles() {
        assertTrue(files.keys.count { it.startsWith("refused/") || it.startsWith("hostile/") } >= 70)
    }

    @Test
    fun theSha256IsChecked() {
        val bytes = files.getValue("good/tiny.tflite")
        val right = read(bytes).sha256
        assertEquals(right, ModelFile.read(direct(bytes), "m", right.uppercase()).sha256)
        val problem = problemOf { ModelFile.read(direct(bytes), "m", "0".repeat(64)) }
        assertEquals(ModelProblem.Kind.WRONG_SHA256, problem.kind)
        assertTrue(right in problem.message)
    }

    @Test
    fun theBuffersPositionIsNeitherUsedNorMoved() {
        val file = direct(files.getValue("good/tiny.tflite"))
        val position = file.position()
        ModelFile.read(file, "m")
        assertEquals(position, file.position())
        assertEquals("m", ModelFile.read(file.asReadOnlyBuffer(), "m").where)
    }

    @Test
    fun aFileCutAnywhereIsRefused() {
        val bytes = files.getValue("good/tiny.tflite")
        for (size in (0..64) + (65 until bytes.size step 37)) {
            assertOneLine(problem(bytes.copyOf(size)))
        }
    }

    @Test
    fun anyBytesMayChange() {
        val bytes = files.getValue("good/int8.tflite")
        val random = Random(5)
        var refused = 0
        repeat(4000) {
            val changed = bytes.copyOf()
            repeat(intArrayOf(1, 1, 2, 8)[random.nextInt(4)]) {
                val values = intArrayOf(0, 1, 0x7f, 0x80, 0xff, random.nextInt(256))
                changed[random.nextInt(changed.size)] = values[random.nextInt(values.size)].toByte()
            }
            if (readOrRefused(changed)) refused++
        }
        assertTrue(refused in 400..3999, "$refused refused")
    }

    @Test
    fun anyWordMayBeEndless() {
        val bytes = files.getValue("good/tiny.tflite")
        for (position in 0 until bytes.size - 4 step 4) {
            for (value in byteArrayOf(-1, 127)) {
                val changed = bytes.copyOf()
                for (i in 0 until 3) changed[position + i] = -1
                changed[position + 3] = value
                readOrRefused(changed)
            }
        }
    }

    @Test
    fun problemsHaveTheirArguments() {
        val problem = problem(files.getValue("refused/WRONG_LABEL_COUNT/three.tflite"))
        assertEquals(listOf("3", "4"), problem.arguments)
        assertEquals("model.tflite: has 3 labels for 4 classes; export it again", problem.message)
        assertEquals(problem, ModelProblem(problem.kind, "model.tflite", listOf("3", "4")))
    }

    @Test
    fun hostileNamesStayOnTheirLine() {
        val problem = ModelProblem(ModelProblem.Kind.LABELS_MISSING, "a\nb\u202e%s", listOf("x\u0000y\u2028" + "z".repeat(999)))
        assertOneLine(problem)
        assertTrue(problem.message.startsWith("a?b?%s: names a labels file x?y?zz"))
        assertTrue(problem.message.length < 400)
        assertFalse('\u202e' in problem.message)
    }

    /** TensorFlow Lite's own reader, which is no part of the app, finds the same files and facts. */
    @TestFactory
    fun goodFilesAreReadAsTensorFlowReadsThem(): List<DynamicTest> =
        files.keys.filter { it.startsWith("good/") && it.endsWith(".tflite") }.map { name ->
            DynamicTest.dynamicTest(name) {
                val bytes = files.getValue(name)
                val model = read(bytes)
                val extractor = MetadataExtractor(ByteBuffer.wrap(bytes))
                val ours = AssociatedFiles.open(direct(bytes), "m")
                assertEquals(extractor.associatedFileNames, ours.names.toSet())
                for (file in ours.names) {
                    val text = extractor.getAssociatedFile(file).use { it.readBytes() }.decodeToString()
                    assertEquals(text, ours.text(file, 1 shl 20, ModelProblem.Kind.BAD_CARD))
                }
                assertEquals(extractor.modelMetadata.name(), model.card.name)
                assertEquals(extractor.modelMetadata.license(), model.card.licence)
                assertEquals(extractor.getInputTensorShape(0).toList(), model.input.shape)
                assertEquals(extractor.getOutputTensorShape(0).toList(), model.output.shape)
                if (model.input.type != TensorType.FLOAT32) {
                    assertEquals(extractor.getInputTensorQuantizationParams(0).scale, model.input.scale)
                    assertEquals(extractor.getInputTensorQuantizationParams(0).zeroPoint, model.input.zeroPoint)
                }
            }
        }

    /** Hostile directories once filled the memory; reading a small file takes little of it, whatever it says. */
    @Test
    fun noArchiveFillsTheMemory() {
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        val id = Thread.currentThread().id
        val random = Random(6)
        val seeds = files.filterKeys { it.startsWith("good/") && it.endsWith(".tflite") || it.startsWith("odd/") }.values.filter { it.size < 9000 }
        var most = 0L
        repeat(6000) {
            val changed = seeds[random.nextInt(seeds.size)].copyOf()
            val tail = minOf(changed.size, 400)
            repeat(1 + random.nextInt(4)) {
                val values = intArrayOf(0, 1, 0x7f, 0x80, 0xff, random.nextInt(256))
                changed[changed.size - 1 - random.nextInt(tail)] = values[random.nextInt(values.size)].toByte()
            }
            val file = direct(changed)
            val before = threads.getThreadAllocatedBytes(id)
            try {
                ModelFile.read(file, "m")
            } catch (error: ModelProblemException) {
                assertOneLine(error.problem)
            }
            most = maxOf(most, threads.getThreadAllocatedBytes(id) - before)
        }
        assertTrue(most < 4 shl 20, "$most bytes")
    }

    @Test
    fun aLabelsFileOfNoneIsNone() {
        assertNull(read(files.getValue("good/no labels.tflite")).labels)
    }

    private fun readOrRefused(bytes: ByteArray): Boolean = try {
        read(bytes)
        false
    } catch (error: ModelProblemException) {
        assertOneLine(error.problem)
        true
    }

    private fun assertOneLine(problem: ModelProblem) {
        assertTrue(problem.message.isNotBlank() && problem.message.all { isPrintable(it) }, problem.message)
    }

    companion object {
        fun entries(): Map<String, ByteArray> {
            val found = LinkedHashMap<String, ByteArray>()
            ZipInputStream(GoldenTest.resource("files.zip").inputStream()).use { archive ->
                while (true) {
                    val entry = archive.nextEntry ?: break
                    found[entry.name] = archive.readBytes()
                }
            }
            return found
        }
    }
}
