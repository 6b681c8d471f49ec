package dev.swiftformer.core.tools

import dev.swiftformer.core.ArgbRows
import dev.swiftformer.core.FrameConverter
import dev.swiftformer.core.GoldenPictures
import dev.swiftformer.core.InputKind
import dev.swiftformer.core.InputWriter
import dev.swiftformer.core.Json
import dev.swiftformer.core.ModelFile
import dev.swiftformer.core.ModelProblemException
import dev.swiftformer.core.Preprocessing
import dev.swiftformer.core.RgbPicture
import dev.swiftformer.core.RgbSource
import dev.swiftformer.core.TensorSpec
import dev.swiftformer.core.TensorType
import dev.swiftformer.core.WarmUp
import java.io.File
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.system.exitProcess

/**
 * The core for scripts and other languages' tests.
 *
 *     tensors JOBS.json     JOBS is a list of {"picture": FILE, "width": W, "height": H, "layout": "rgb" or "argb",
 *                           "orientation": 1, "out": FILE} with either "model": FILE.tflite or
 *                           {"preprocessing": {…}, "input": {"kind", "type", "scale", "zero_point"}}: each picture's raw
 *                           bytes (argb: 32-bit values, big-endian) become the input tensor's bytes.
 *     model FILE            what the core reads in a .tflite file, as JSON, or the problem with exit code 1
 *     warm-up FILE          FILE is a list of lists of times in milliseconds: what the warm-up's rule says after each
 *     cpu-time RUNS         processor time of camera frame to tensor, in milliseconds: least, median
 */
fun main(arguments: Array<String>) {
    when {
        arguments.size == 2 && arguments[0] == "tensors" -> tensors(File(arguments[1]))
        arguments.size == 2 && arguments[0] == "model" -> model(File(arguments[1]))
        arguments.size == 2 && arguments[0] == "warm-up" -> warmUp(File(arguments[1]))
        arguments.size == 2 && arguments[0] == "cpu-time" -> cpuTime(arguments[1].toInt())
        else -> {
            System.err.println("usage: tensors JOBS.json | model FILE | warm-up FILE | cpu-time RUNS")
            exitProcess(2)
        }
    }
}

private fun warmUp(file: File) {
    val lists = (Json.parse(file.readText()) as List<*>).map { list -> (list as List<*>).map { (it as Number).toDouble() } }
    println(Json.write(lists.map { WarmUp.judge(it.toDoubleArray()) }))
}

private fun tensors(jobs: File) {
    for (job in Json.parse(jobs.readText()) as List<*>) {
        job as Map<*, *>
        val writer = (job["model"] as String?)?.let { ModelFile.read(buffer(File(it)), it).inputWriter() } ?: writer(job)
        val into = ByteBuffer.allocateDirect(writer.input.sizeBytes)
        writer.write(picture(job), into)
        val bytes = ByteArray(into.capacity())
        into.position(0)
        into.get(bytes)
        File(job["out"] as String).writeBytes(bytes)
    }
}

private fun writer(job: Map<*, *>): InputWriter {
    val preprocessing = Preprocessing.fromJson(job["preprocessing"])
    val input = job["input"] as Map<*, *>
    val spec = TensorSpec(
        "", listOf(1, preprocessing.height, preprocessing.width, 3),
        TensorType.values().first { it.name.lowercase() == input["type"] },
        (input["scale"] as Number).toFloat(), (input["zero_point"] as Long).toInt(),
    )
    return InputWriter(preprocessing, InputKind.values().first { it.name.lowercase() == input["kind"] }, spec)
}

private fun picture(job: Map<*, *>): RgbSource {
    val width = (job["width"] as Long).toInt()
    val height = (job["height"] as Long).toInt()
    val bytes = File(job["picture"] as String).readBytes()
    if (job["layout"] != "argb") return RgbPicture(width, height, bytes)
    val argb = IntArray(width * height)
    ByteBuffer.wrap(bytes).asIntBuffer().get(argb)
    return ArgbRows(ArgbRows.Pixels(width, height, argb), (job["orientation"] as Long? ?: 1L).toInt())
}

private fun model(file: File) {
    try {
        val model = ModelFile.read(buffer(file), file.name)
        println(
            Json.write(
                linkedMapOf(
                    "sha256" to model.sha256, "input" to model.input.toString(), "output" to model.output.toString(),
                    "scale" to model.input.scale, "zero_point" to model.input.zeroPoint, "operators" to model.operators,
                    "labels" to model.labels, "preprocessing" to model.preprocessing.toJson(), "name" to model.card.name,
                    "signatures" to model.signatures,
                ),
            )
        )
    } catch (error: ModelProblemException) {
        println("${error.problem.kind}: ${error.message}")
        exitProcess(1)
    }
}

private fun buffer(file: File): ByteBuffer = ByteBuffer.wrap(file.readBytes())

/** On a machine with other work, JMH's wall clock says little; the thread's own processor time still does. */
private fun cpuTime(runs: Int) {
    val threads = ManagementFactory.getThreadMXBean()
    val frame = mapOf(
        "width" to 640L, "height" to 480L, "kind" to "noise", "seed" to 1L, "crop" to listOf(0L, 0L, 640L, 480L),
        "rotation" to 90L, "mirror" to false, "y_row_stride" to 640L, "y_pixel_stride" to 1L, "uv_row_stride" to 640L,
        "uv_pixel_stride" to 2L,
    )
    val luma = GoldenPictures.strided(640, 480, "noise", 1, 640, 1)
    val blue = GoldenPictures.strided(320, 240, "noise", 2, 640, 2)
    val red = GoldenPictures.strided(320, 240, "noise", 3, 640, 2)
    val converter = FrameConverter().also { GoldenPictures.load(it, frame) }
    for (type in listOf(TensorType.FLOAT32, TensorType.INT8)) {
        val preprocessing = Preprocessing(224, 224, cropFraction = 0.95)
        val writer = InputWriter(preprocessing, InputKind.NORMALIZED, TensorSpec("", listOf(1, 224, 224, 3), type, 0.0187f, -14))
        val into = ByteBuffer.allocateDirect(writer.input.sizeBytes)
        val times = DoubleArray(runs) {
            val start = threads.currentThreadCpuTime
            converter.load(luma, blue, red, 640, 1, 640, 2, 640, 480, rotationDegrees = 90)
            writer.write(converter, into)
            (threads.currentThreadCpuTime - start) / 1e6
        }
        val late = times.copyOfRange(runs / 2, runs).also { it.sort() }
        println("$type: least %.2f ms, median %.2f ms of processor time".format(late[0], late[late.size / 2]))
    }
}
