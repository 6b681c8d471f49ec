package dev.swiftformer.app.engine

import android.os.Build
import dev.swiftformer.core.EngineException
import org.tensorflow.lite.nnapi.NnApiDelegate

/** How NNAPI is asked, by the API level it is asked on. */
object Nnapi {
    /** The reasons that this app has itself; it has a sentence for each. */
    const val TOO_OLD = "NNAPI needs Android 8.1"
    const val NONE = "NNAPI has no accelerator on this device"

    /** A name that no accelerator has: the delegate answers it with all that there are. */
    const val NO_SUCH_NAME = "no-such-accelerator"

    private const val ITS_CPU = "nnapi-reference"
    private val MUST_BE = Regex("Must be one of: \\{([^}]*)\\}")

    /**
     * The accelerator to ask for: NNAPI's first that is not its own CPU. Null on API level 27 and 28, where NNAPI has no
     * names and says to nobody what computes.
     *
     * @param complaint what the delegate says of [NO_SUCH_NAME], null if it says nothing; asked from API level 29 on.
     * @throws EngineException there is no NNAPI, or nothing behind it.
     */
    fun accelerator(sdk: Int, complaint: () -> String?): String? {
        if (sdk < Build.VERSION_CODES.O_MR1) throw EngineException(TOO_OLD)
        if (sdk < Build.VERSION_CODES.Q) return null
        return namesIn(complaint().orEmpty()).firstOrNull { it != ITS_CPU } ?: throw EngineException(NONE)
    }

    /** The names in the delegate's complaint about one that does not exist. */
    fun namesIn(complaint: String): List<String> =
        MUST_BE.find(complaint)?.groupValues?.get(1).orEmpty().split(',').map { it.trim() }.filter { it.isNotEmpty() }

    /**
     * Options for [accelerator]; with a name, NNAPI may not compute on its own CPU instead.
     *
     * @param precisionLoss whether it may compute in float16.
     */
    fun options(accelerator: String?, precisionLoss: Boolean): NnApiDelegate.Options {
        val options = NnApiDelegate.Options()
            .setExecutionPreference(NnApiDelegate.Options.EXECUTION_PREFERENCE_SUSTAINED_SPEED)
            .setAllowFp16(precisionLoss)
        return if (accelerator == null) options else options.setUseNnapiCpu(false).setAcceleratorName(accelerator)
    }
}
