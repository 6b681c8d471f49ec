package dev.swiftformer.app

import android.app.Instrumentation
import android.os.Bundle

/** `am instrument -w -e model … PACKAGE/dev.swiftformer.app.BenchmarkInstrumentation` */
class BenchmarkInstrumentation : Instrumentation() {
    override fun onCreate(arguments: Bundle?) {
        super.onCreate(arguments)
        start()
    }
}
