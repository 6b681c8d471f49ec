package dev.swiftformer.app

import android.annotation.TargetApi
import android.content.Context
import android.content.pm.ApplicationInfo
import android.os.Build
import android.os.Debug
import android.os.PowerManager
import dev.swiftformer.app.engine.InterpreterEngine
import dev.swiftformer.app.engine.InterpreterFactory
import dev.swiftformer.app.engine.Logcat
import dev.swiftformer.app.engine.OwnLog
import dev.swiftformer.app.model.AssetFiles
import dev.swiftformer.app.model.ModelLibrary
import dev.swiftformer.app.model.OpenModel
import dev.swiftformer.app.model.asRgb
import dev.swiftformer.core.BenchmarkPlan
import dev.swiftformer.core.BenchmarkResult
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.FallbackReason
import dev.swiftformer.core.GoldenCheck
import dev.swiftformer.core.GoldenResult
import dev.swiftformer.core.ModelFile
import dev.swiftformer.core.ModelIndex
import dev.swiftformer.core.ModelIndexException
import dev.swiftformer.core.ModelProblem
import dev.swiftformer.core.ModelProblemException
import dev.swiftformer.core.OwnProcess
import dev.swiftformer.core.Times
import dev.swiftformer.core.WarmUp
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.nio.channels.FileChannel
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone

/**
 * One benchmark run, from a plan to a result (`core/BENCHMARK_FORMAT.md` says what both are).
 *
 * What was asked for is measured or refused; nothing falls back to anything else here. Everything, the delegate's whole
 * life included, happens on the calling thread.
 *
 * @param file where a path of the plan's is.
 * @param status is told each step, in a few words.
 * @param isLeft whether nobody waits for the result any more: the run ends before its next inference, with an error.
 */
class Benchmark(
    private val context: Context,
    private val log: OwnLog = Logcat(),
    private val file: (String) -> File = ::File,
    private val status: (String) -> Unit = {},
    private val isLeft: () -> Boolean = { false },
) {
    private val models = ModelLibrary(AssetFiles(context.assets))

    /** Runs [plan]; what goes wrong is in the result's error, and nothing is thrown. */
    fun run(plan: BenchmarkPlan): BenchmarkResult {
        val result = BenchmarkResult(plan)
        result.startedAt = now()
        result.app = app()
        result.device = device()
        try {
            measure(plan, result)
        } catch (e: ModelProblemException) {
            result.error = e.problem.message
        } catch (e: ModelIndexException) {
            result.error = e.message
        } catch (e: EngineException) {
            result.error = e.message
        } catch (e: OutOfMemoryError) {
            result.error = "not enough memory"
        } catch (e: LinkageError) {
            result.error = "a library is missing: ${e.message}"
        } catch (e: RuntimeException) {
            result.error = "${e.javaClass.simpleName}: ${e.message}"
        }
        return result
    }

    private fun measure(plan: BenchmarkPlan, result: BenchmarkResult) {
        val heat = context.getSystemService(PowerManager::class.java)
        val statusBefore = thermalStatus(heat)
        val headroomBefore = headroom(heat)
        val before = Debug.getPss()
        status("loading ${plan.model}")
        val entry = if (plan.isPath) null else entry(plan.model)
        val model = if (entry != null) models.open(entry) else openPath(plan.model)
        result.model = model.description
        val began = System.nanoTime()
        val engine = start(plan, model, result)
        engine.use {
            result.initializationMs = since(began)
            result.engine = engine.description
            if (plan.golden) golden(entry, model, engine, result)
            if (result.error != null) return
            if (result.golden == null) engine.input.put(ByteArray(engine.input.capacity())).rewind()
            val first = if (result.golden == null) timed(engine) else null
            result.firstInferenceMs = first ?: result.firstInferenceMs
            warmUp(plan, engine, result)
            val loaded = Debug.getPss()
            samples(plan, engine, result)
            val process = OwnProcess()
            result.cpuset = process.cpuset()
            result.memory = BenchmarkResult.Memory(before, loaded, Debug.getPss(), process.peakResidentKib())
            plan.evaluate?.let { folder ->
                status("evaluating $folder")
                result.evaluation = Evaluation(model.description, engine, ::goOn).of(file(folder))
            }
        }
        result.thermal =
            BenchmarkResult.Thermal(statusBefore, thermalStatus(heat), headroomBefore, headroom(heat))
    }

    private fun start(plan: BenchmarkPlan, model: OpenModel, result: BenchmarkResult): InterpreterEngine {
        status("starting ${plan.choice.kind}")
        try {
            return InterpreterFactory(model.bytes, log, plan.precisionLoss).create(plan.choice)
        } catch (e: EngineException) {
            val words = e.message.orEmpty()
            result.fallbacks.add(FallbackReason(FallbackReason.Kind.REFUSED, plan.choice, listOf(words)))
            throw e
        }
    }

    private fun golden(entry: ModelIndex.Entry?, model: OpenModel, engine: InterpreterEngine, result: BenchmarkResult) {
        val golden = entry?.golden ?: return
        val picture = models.goldenPicture(golden)
            ?: throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, golden.picture, listOf("no picture")))
        status("checking the golden picture")
        model.description.inputWriter().write(picture.asRgb(), engine.input)
        result.firstInferenceMs = timed(engine)
        val found = GoldenCheck(golden).run(engine, model.description, picture.asRgb())
        result.golden = found
        if (found !is GoldenResult.Passed) result.error = "the golden picture's answer is wrong"
    }

    private fun warmUp(plan: BenchmarkPlan, engine: InterpreterEngine, result: BenchmarkResult) {
        val count = plan.warmUp
        status("warming up ${count ?: "until it is stable"}")
        val times = Times(count ?: WarmUp.WINDOW)
        var ended = if (count == null) WarmUp.Next.MORE else null
        if (count != null) repeat(count) { times.add(timed(engine)) }
        while (ended == WarmUp.Next.MORE) {
            repeat(WarmUp.WINDOW) { times.add(timed(engine)) }
            ended = WarmUp.judge(times.toArray())
        }
        result.warmUpMs = times.toArray()
        result.warmUpEnded = when (ended) {
            WarmUp.Next.STABLE -> BenchmarkResult.WarmUpEnded.STABLE
            WarmUp.Next.LIMIT -> BenchmarkResult.WarmUpEnded.LIMIT
            else -> BenchmarkResult.WarmUpEnded.COUNT
        }
    }

    /** Nothing but the engine runs between two samples: reading the memory there would cool its caches. */
    private fun samples(plan: BenchmarkPlan, engine: InterpreterEngine, result: BenchmarkResult) {
        status("running ${plan.runs} or more")
        val samples = Times(plan.runs)
        val native = Times(plan.runs)
        while (!plan.isEnough(samples.count, samples.totalMs)) {
            samples.add(timed(engine))
            engine.nativeMs?.let { native.add(it) }
        }
        result.samplesMs = samples.toArray()
        result.nativeMs = native.toArray()
    }

    private fun goOn() {
        if (isLeft()) throw EngineException("the screen was left before the measurement ended")
    }

    private fun timed(engine: InterpreterEngine): Double {
        goOn()
        val began = System.nanoTime()
        engine.run()
        return since(began)
    }

    private fun entry(file: String): ModelIndex.Entry = models.index().models.firstOrNull { it.file == file }
        ?: throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, file, listOf("not in the app")))

    private fun openPath(path: String): OpenModel {
        val bytes = try {
            FileInputStream(file(path)).channel.use { it.map(FileChannel.MapMode.READ_ONLY, 0, it.size()) }
        } catch (e: IOException) {
            throw ModelProblemException(ModelProblem(ModelProblem.Kind.CANNOT_READ, path, listOf(e.message ?: "no such file")))
        }
        return OpenModel(ModelFile.read(bytes, path), bytes)
    }

    private fun app(): BenchmarkResult.App {
        val version = context.packageManager.getPackageInfo(context.packageName, 0).versionName ?: "unknown"
        val debuggable = context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0
        return BenchmarkResult.App(context.packageName, version, debuggable)
    }

    @TargetApi(Build.VERSION_CODES.S)
    private fun device() = BenchmarkResult.Device(
        Build.MANUFACTURER, Build.MODEL, Build.VERSION.SDK_INT, Build.SUPPORTED_ABIS.firstOrNull().orEmpty(),
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL else Build.HARDWARE,
        Runtime.getRuntime().availableProcessors(),
    )

    @TargetApi(Build.VERSION_CODES.Q)
    private fun thermalStatus(power: PowerManager?): Int? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power?.currentThermalStatus else null

    @TargetApi(Build.VERSION_CODES.R)
    private fun headroom(power: PowerManager?): Double? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R || power == null) return null
        val headroom = power.getThermalHeadroom(0)
        return if (headroom.isNaN()) null else headroom.toDouble()
    }

    private fun now(): String = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT)
        .apply { timeZone = TimeZone.getTimeZone("UTC") }.format(Date())

    private fun since(began: Long): Double = (System.nanoTime() - began) / 1e6
}
