package dev.swiftformer.app

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.Settings as SystemSettings

/**
 * The one permission of this app, as it stands: granted, to be asked for, or refused for good.
 *
 * Android does not tell the last two apart before the first refusal, so a refusal is remembered. (Whoever allowed it once
 * and then chose "ask every time" may be asked again.)
 */
class CameraPermission(private val activity: Activity) {
    private var refused = false

    enum class Standing { GRANTED, ASK, FORBIDDEN }

    val standing: Standing
        get() = when {
            activity.checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED ->
                Standing.GRANTED
            refused && !activity.shouldShowRequestPermissionRationale(Manifest.permission.CAMERA) ->
                Standing.FORBIDDEN
            else -> Standing.ASK
        }

    fun ask() = activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), REQUEST)

    /** Takes the system's answer; empty [results] mean that the question was called off. */
    fun onAnswer(request: Int, results: IntArray): Boolean {
        if (request != REQUEST) return false
        refused = results.isNotEmpty() && results.any { it != PackageManager.PERMISSION_GRANTED }
        return true
    }

    /** The app's page in the system's settings. */
    fun settings(): Intent =
        Intent(SystemSettings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", activity.packageName, null))

    fun save(state: Bundle) = state.putBoolean(REFUSED, refused)

    fun restore(state: Bundle) {
        refused = state.getBoolean(REFUSED)
    }

    private companion object {
        const val REQUEST = 1
        const val REFUSED = "permission refused"
    }
}
