package dev.swiftformer.app.engine

import android.os.Build
import dev.swiftformer.core.DelegateChoice
import dev.swiftformer.core.DelegateKind
import dev.swiftformer.core.DelegateLog
import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.EngineFactory
import dev.swiftformer.core.Replacement
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
 * @param everyLine whether an engine's description also has what XNNPACK took of that which another delegate left.
 */
class InterpreterFactory(
    private val model: ByteBuffer,
    private val log: OwnLog,
    private val precisionLoss: Boolean = true,
    private val everyLine: Boolean = false,
) : EngineFactory {
    override fun create(choice: DelegateChoice): InterpreterEngine {
        val breaks = Processor.breaksXnnpack()
        if (choice.kind == DelegateKind.CPU && choice.xnnpack && breaks) throw EngineException(AVX512)
        val mark = log.mark()
        var accelerator: String? = null
        val delegate: Delegate? = when (choice.kind) {
            DelegateKind.CPU -> null
            DelegateKind.GPU -> gpu()
            DelegateKind.NNAPI -> {
                accelerator = accelerator()
                nnapi(accelerator)
            }
        }
        val options = Interpreter.Options().setNumThreads(choice.threads).setUseXNNPACK(choice.xnnpack && !breaks)
        if (delegate != null) options.addDelegate(delegate)
        val interpreter = start(options, delegate)
        val replaced = log.since(mark)?.let { lines -> DelegateLog.read(lines.joinToString("\n")) }
        val description = EngineDescription(
            choice, replaced?.filter { everyLine || belongs(it, choice.kind) }, accelerator, TensorFlowLite.runtimeVersion(),
        )
        return InterpreterEngine(interpreter, delegate as? AutoCloseable, description)
    }

    private fun start(options: Interpreter.Options, delegate: Delegate?): Interpreter {
        var started = false
        try {
            return Interpreter(model, options).also { started = true }
        } catch (e: IllegalArgumentException) {
            throw EngineException(e.message ?: "the interpreter refused the model", e)
        } catch (e: IllegalStateException) {
            throw EngineException(e.message ?: "the interpreter refused the model", e)
        } finally {
            if (!started) delegate?.close()
        }
    }

    private fun gpu(): Delegate = GpuDelegate(
        GpuDelegateFactory.Options()
            .setPrecisionLossAllowed(precisionLoss)
            .setInferencePreference(GpuDelegateFactory.Options.INFERENCE_PREFERENCE_SUSTAINED_SPEED),
    )

    private fun nnapi(accelerator: String?): Delegate {
        val options = NnApiDelegate.Options()
            .setExecutionPreference(NnApiDelegate.Options.EXECUTION_PREFERENCE_SUSTAINED_SPEED)
            .setAllowFp16(precisionLoss)
        if (accelerator != null) options.setUseNnapiCpu(false).setAcceleratorName(accelerator)
        return NnApiDelegate(options)
    }

    /**
     * The accelerator to ask NNAPI for: its first that is not its own CPU. Null on API level 27 and 28, where NNAPI has
     * no names.
     *
     * Java has no call that lists them, but the delegate answers a name that does not exist with all that do.
     */
    private fun accelerator(): String? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.O_MR1) throw EngineException(NNAPI_TOO_OLD)
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return null
        val probe = nnapi(NO_SUCH_NAME)
        try {
            Interpreter(model, Interpreter.Options().addDelegate(probe)).close()
        } catch (e: RuntimeException) {
            val names = acceleratorsIn(e.message.orEmpty())
            return names.firstOrNull { it != NNAPI_CPU } ?: throw EngineException(NNAPI_NONE)
        } finally {
            probe.close()
        }
        throw EngineException(NNAPI_NONE)
    }

    companion object {
        /** The reasons that this class has itself; the app has a sentence for each. */
        const val AVX512 = "XNNPACK of this library fails on x86 processors with AVX-512"
        const val NNAPI_TOO_OLD = "NNAPI needs Android 8.1"
        const val NNAPI_NONE = "NNAPI has no accelerator on this device"

        private const val NO_SUCH_NAME = "no-such-accelerator"
        private const val NNAPI_CPU = "nnapi-reference"
        private val MUST_BE = Regex("Must be one of: \\{([^}]*)\\}")

        /** The names in the delegate's complaint about one that does not exist. */
        fun acceleratorsIn(message: String): List<String> =
            MUST_BE.find(message)?.groupValues?.get(1).orEmpty().split(',').map { it.trim() }.filter { it.isNotEmpty() }

        /** Whether a line of the log is about the delegate that was asked for; XNNPACK may take what another leaves. */
        fun belongs(line: Replacement, kind: DelegateKind): Boolean = when (kind) {
            DelegateKind.CPU -> line.delegate.contains("XNNPack", ignoreCase = true)
            DelegateKind.GPU -> line.delegate.contains("Gpu", ignoreCase = true)
            DelegateKind.NNAPI -> line.delegate.contains("Nnapi", ignoreCase = true)
        }
    }
}
