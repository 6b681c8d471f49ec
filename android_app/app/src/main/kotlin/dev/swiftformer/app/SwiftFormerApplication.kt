package dev.swiftformer.app

import android.app.Application

/** Holds what lives as long as the process. */
open class SwiftFormerApplication : Application() {
    /** Made when a screen first asks. */
    open val parts: Parts by lazy { DeviceParts(this) }
}
