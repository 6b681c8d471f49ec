package dev.swiftformer.app.engine

import android.os.Build
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.DelegateLog
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.EngineFactory
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.TensorFlowLite
import org.tensorflow.lite.gpu.GpuDelegate
import org.tensorflow.lite.gpu.GpuDelegateFactory
import org.tensorflow.lite.nnapi.NnApiDelegate
import java.nio.ByteBuffer

/**
 * Makes [InterpreterEngine]s of one model.
 *
 * @param model a whole .tflite file, direct or mapped; it is read as long as an engine lives.
 * @param log where the runtime says what its delegates took.
 * @param precisionLoss whether a GPU or NNAPI may compute in float16, as these graphs are made for.
 */
class InterpreterFactory(
    private val model: ByteBuffer,
    private val log: OwnLog,
    private val precisionLoss: Boolean = true,
) : EngineFactory {
    override fun create(choice: DelegateChoice): InterpreterEngine {
        val breaks = Processor.breaksXnnpack { TensorFlowLite.runtimeVersion() }
        if (choice.kind == DelegateKind.CPU && choice.xnnpack && breaks) throw EngineException(AVX512)
        return log.during { said -> start(choice, choice.xnnpack && !breaks, said) }
    }

    /** @param said what the runtime wrote since it was asked. */
    private fun start(choice: DelegateChoice, xnnpack: Boolean, said: () -> List<String>?): InterpreterEngine {
        var accelerator: String? = null
        val delegate: Delegate? = when (choice.kind) {
            DelegateKind.CPU -> null
            DelegateKind.GPU -> gpu()
            DelegateKind.NNAPI -> {
                accelerator = accelerator()
                nnapi(accelerator)
            }
        }
        val options = Interpreter.Options().setNumThreads(choice.threads).setUseXNNPACK(xnnpack)
        if (delegate != null) options.addDelegate(delegate)
        return orClose(delegate as? AutoCloseable) {
            val interpreter = start(options)
            orClose(interpreter) {
                val replaced = DelegateLog.of(said(), xnnpack)
                val description = EngineDescription(choice, replaced, accelerator, TensorFlowLite.runtimeVersion())
                InterpreterEngine(interpreter, delegate as? AutoCloseable, description)
            }
        }
    }

    private fun start(options: Interpreter.Options): Interpreter {
        try {
            return Interpreter(model, options)
        } catch (e: IllegalArgumentException) {
            throw EngineException(e.message ?: "the interpreter refused the model", e)
        } catch (e: IllegalStateException) {
            throw EngineException(e.message ?: "the interpreter refused the model", e)
        }
    }

    private fun gpu(): Delegate = GpuDelegate(
        GpuDelegateFactory.Options()
            .setPrecisionLossAllowed(precisionLoss)
            .setInferencePreference(GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED),
    )

    private fun nnapi(accelerator: String?) = NnApiDelegate(Nnapi.options(accelerator, precisionLoss))

    /** Java has no call that lists NNAPI's accelerators; the delegate's complaint about one that is not there does. */
    private fun accelerator(): String? = Nnapi.accelerator(Build.VERSION.SDK_INT) {
        val probe = nnapi(Nnapi.NO_SUCH_NAME)
        try {
            Interpreter(model, Interpreter.Options().addDelegate(probe)).close()
            null
        } catch (e: RuntimeException) {
            e.message
        } finally {
            probe.close()
        }
    }

    companion object {
        /** The reason that this class has itself; the app has a sentence for it. */
        const val AVX512 = "XNNPACK of this library's version fails on x86 processors with AVX-512"
    }
}

/** What [rest] makes of [opened], which is closed where that fails: nobody else could free its native memory. */
internal inline fun <T> orClose(opened: AutoCloseable?, rest: () -> T): T = try {
    rest()
} catch (e: Throwable) {
    try {
        opened?.close()
    } catch (second: Exception) {
        e.addSuppressed(second)
    }
    throw e
}
