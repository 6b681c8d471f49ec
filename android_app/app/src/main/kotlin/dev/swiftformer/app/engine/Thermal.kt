package dev.swiftformer.app.engine

import android.annotation.TargetApi
import android.content.Context
import android.os.Build
import android.os.Handler
import android.os.Looper
import android.os.PowerManager

/**
 * How hot the device is, in the steps of [PowerManager]: 0 (none) to 6 (shutdown).
 *
 * Told from API 29 on; before that, nothing is known and nothing is told.
 */
class Thermal(context: Context) {
    private val power: PowerManager? = context.getSystemService(PowerManager::class.java)
    private val main = Handler(Looper.getMainLooper())
    private var stopped: (() -> Unit)? = null

    /** The present step, or null where it is not known. */
    @TargetApi(Build.VERSION_CODES.Q)
    fun status(): Int? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power?.currentThermalStatus else null

    /** Calls [listener] on the main thread with each step from now on. */
    @TargetApi(Build.VERSION_CODES.Q)
    fun start(listener: (Int) -> Unit) {
        stop()
        val manager = power ?: return
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return
        val watcher = PowerManager.OnThermalStatusChangedListener { status -> main.post { listener(status) } }
        manager.addThermalStatusListener(watcher)
        stopped = { manager.removeThermalStatusListener(watcher) }
    }

    /** Ends what [start] began. */
    fun stop() {
        stopped?.invoke()
        stopped = null
    }

    companion object {
        /** From this step on the system slows the GPU and the NPU down and may switch them off. */
        const val TOO_HOT = 3  // PowerManager.THERMAL_STATUS_SEVERE
    }
}
