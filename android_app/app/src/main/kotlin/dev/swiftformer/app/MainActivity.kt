package dev.swiftformer.app

import android.app.Activity
import android.os.Bundle

/** The camera's screen. */
class MainActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        setContentView(R.layout.activity_main)
    }
}
