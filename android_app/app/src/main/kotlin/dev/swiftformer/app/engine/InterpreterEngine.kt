package dev.swiftformer.app.engine

import dev.swiftformer.core.EngineDescription
import dev.swiftformer.core.EngineException
import dev.swiftformer.core.InferenceEngine
import org.tensorflow.lite.Interpreter
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * [InferenceEngine] by TFLite's `Interpreter`, which is also LiteRT 1.4's.
 *
 * @param delegate closed with it, after the interpreter; null on the CPU.
 */
class InterpreterEngine internal constructor(
    private val interpreter: Interpreter,
    private val delegate: AutoCloseable?,
    override val description: EngineDescription,
) : InferenceEngine {
    override val input: ByteBuffer = buffer(interpreter.getInputTensor(0).numBytes())
    override val output: ByteBuffer = buffer(interpreter.getOutputTensor(0).numBytes())

    override fun run() {
        input.rewind()
        output.rewind()
        try {
            interpreter.run(input, output)
        } catch (e: IllegalArgumentException) {
            throw EngineException(e.message ?: "the interpreter failed", e)
        } catch (e: IllegalStateException) {
            throw EngineException(e.message ?: "the interpreter failed", e)
        }
    }

    /** How long the last [run] took as the runtime itself timed it, in milliseconds; null where it did not. */
    val nativeMs: Double? get() = interpreter.lastNativeInferenceDurationNanoseconds?.let { it / 1e6 }

    override fun close() {
        interpreter.close()
        delegate?.close()
    }

    private fun buffer(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())
}
