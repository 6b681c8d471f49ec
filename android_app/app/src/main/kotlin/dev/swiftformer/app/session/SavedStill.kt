package dev.swiftformer.app.session

import android.net.Uri
import android.os.Bundle
import dev.swiftformer.app.picture.KeptPictures

/**
 * How the picture that stands still, or is being opened, is found again after the process's death.
 *
 * @property file its name among [KeptPictures]; null while it is not kept.
 * @property source where it is opened, and opened again if nothing was kept; null for a frame of the camera.
 * @property mirrored as a front camera's preview is.
 */
class SavedStill(val file: String?, val source: Uri?, val mirrored: Boolean) {
    fun save(state: Bundle) {
        state.putString(FILE, file)
        state.putString(SOURCE, source?.toString())
        state.putBoolean(MIRRORED, mirrored)
    }

    companion object {
        private const val FILE = "still"
        private const val SOURCE = "still from"
        private const val MIRRORED = "still mirrored"

        /** What was saved; null where no picture was. */
        fun of(state: Bundle): SavedStill? {
            val file = state.getString(FILE)
            val source = state.getString(SOURCE)?.let { Uri.parse(it) }
            return if (file == null && source == null) null else SavedStill(file, source, state.getBoolean(MIRRORED))
        }
    }
}
