package dev.swiftformer.app

import android.app.Activity

/** What a model file says of itself. */
class AboutModelActivity : Activity()
