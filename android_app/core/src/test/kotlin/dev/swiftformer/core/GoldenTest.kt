package dev.swiftformer.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import java.security.MessageDigest

/** Every golden tensor that Python made (`python -m tests.android_app.make_golden`): 0 bytes of difference. */
class GoldenTest {
    private val cases = Json.parse(resource("golden.json").decodeToString()) as List<*>
    private val stored = resource("golden.bin")
    private val converter = FrameConverter()

    @TestFactory
    fun everyCase(): List<DynamicTest> = cases.map { case ->
        case as Map<*, *>
        DynamicTest.dynamicTest(case["name"] as String) { check(case) }
    }

    @Test
    fun thereIsEveryKindOfCase() {
        val maps = cases.map { it as Map<*, *> }
        assertTrue(maps.count { "frame" in it } >= 40)
        assertTrue(maps.count { "input" in it } >= 24)
        val filters = maps.map { (it["preprocessing"] as Map<*, *>)["filter"] }.toSet()
        assertEquals(ResampleFilter.values().map { it.name.lowercase() }.toSet(), filters)
        assertEquals(setOf(0L, 90L, 180L, 270L), maps.mapNotNull { (it["frame"] as Map<*, *>?)?.get("rotation") }.toSet())
    }

    private fun check(case: Map<*, *>) {
        val preprocessing = Preprocessing.fromJson(case["preprocessing"])
        val source = source(case)
        val input = case["input"] as Map<*, *>?
        val actual = if (input == null) pixels(source, preprocessing) else tensor(source, preprocessing, input)
        assertEquals(case["size_bytes"], actual.size.toLong())
        val offset = case["offset"] as Long?
        if (offset != null) {
            val expected = stored.copyOfRange(offset.toInt(), offset.toInt() + actual.size)
            assertEquals(0, actual.indices.count { actual[it] != expected[it] }, "bytes that differ")
        }
        val digest = MessageDigest.getInstance("SHA-256").digest(actual)
        assertEquals(case["sha256"], digest.joinToString("") { "%02x".format(it) })
    }

    private fun source(case: Map<*, *>): RgbSource {
        val frame = case["frame"] as Map<*, *>?
        if (frame != null) return converter.also { GoldenPictures.load(it, frame) }
        val picture = case["picture"] as Map<*, *>
        return GoldenPictures.picture(
            (picture["width"] as Long).toInt(), (picture["height"] as Long).toInt(), picture["kind"] as String,
            (picture["seed"] as Long).toInt(),
        )
    }

    private fun pixels(source: RgbSource, preprocessing: Preprocessing): ByteArray {
        val shape = listOf(1, preprocessing.height, preprocessing.width, 3)
        val writer = InputWriter(preprocessing, InputKind.PIXELS, TensorSpec("", shape, TensorType.UINT8, 1f, 0))
        val into = ByteBuffer.allocateDirect(writer.input.sizeBytes)
        writer.write(source, into)
        return ByteArray(into.capacity()).also { into.get(it) }
    }

    private fun tensor(source: RgbSource, preprocessing: Preprocessing, input: Map<*, *>): ByteArray {
        val spec = TensorSpec(
            "", listOf(1, preprocessing.height, preprocessing.width, 3),
            TensorType.values().first { it.name.lowercase() == input["type"] },
            (input["scale"] as Number).toFloat(), (input["zero_point"] as Long).toInt(),
        )
        val kind = InputKind.values().first { it.name.lowercase() == input["kind"] }
        val into = ByteBuffer.allocateDirect(spec.sizeBytes)
        InputWriter(preprocessing, kind, spec).write(source, into)
        into.position(0)
        return ByteArray(into.capacity()).also { into.get(it) }
    }

    companion object {
        fun resource(name: String): ByteArray =
            GoldenTest::class.java.getResourceAsStream("/golden/$name")!!.use { it.readBytes() }
    }
}
