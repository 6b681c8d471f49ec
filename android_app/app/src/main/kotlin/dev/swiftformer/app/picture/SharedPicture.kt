package dev.swiftformer.app.picture

import android.annotation.TargetApi
import android.content.ContentResolver
import android.content.Intent
import android.net.Uri
import android.os.Build
import android.provider.MediaStore

/**
 * The picture that another app shares, or null.
 *
 * Whatever the intent carries, this does not throw: extras of a stranger can be of any class, of none that exists here,
 * or hold something else than they should. Only `content:` addresses are taken; a `file:` one could name this app's own
 * files.
 */
fun sharedPicture(intent: Intent): Uri? = try {
    val clip = intent.clipData
    val uri = stream(intent) ?: if (clip != null && clip.itemCount > 0) clip.getItemAt(0).uri else null
    uri?.takeIf { it.scheme == ContentResolver.SCHEME_CONTENT }
} catch (e: RuntimeException) {  // BadParcelableException, ClassCastException and what else unparcelling brings
    null
}

@Suppress("DEPRECATION")  // the typed call is there from API 33 on
@TargetApi(Build.VERSION_CODES.TIRAMISU)
private fun stream(intent: Intent): Uri? =
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
        intent.getParcelableExtra(Intent.EXTRA_STREAM, Uri::class.java)
    } else {
        intent.getParcelableExtra<android.os.Parcelable>(Intent.EXTRA_STREAM) as? Uri
    }

/** Whether an app asks to have a picture named. */
fun isShare(intent: Intent?): Boolean = intent?.action == Intent.ACTION_SEND

/**
 * What to ask for a picture, the best first: the system's photo picker (from API level 33 on), its file picker, and any
 * app that has pictures. None needs a permission; each grants that one picture.
 */
fun pickIntents(): List<Intent> {
    val others = listOf(Intent.ACTION_OPEN_DOCUMENT, Intent.ACTION_GET_CONTENT).map { action ->
        Intent(action).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
    }
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return others
    return listOf(Intent(MediaStore.ACTION_PICK_IMAGES).setType("image/*")) + others
}
