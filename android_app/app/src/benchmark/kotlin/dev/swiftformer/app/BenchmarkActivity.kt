package dev.swiftformer.app

import android.app.Activity

/** The benchmark in the foreground, for runs that need the scheduler's full attention. */
class BenchmarkActivity : Activity()
