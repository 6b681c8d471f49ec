package dev.swiftformer.app.screen

import android.annotation.TargetApi
import android.graphics.Rect
import android.os.Build
import android.view.View
import android.view.Window
import android.view.WindowInsets

/** Lets a window draw under the system's bars, on every API level as the newest ones do by themselves. */
@Suppress("DEPRECATION")  // the newer call is there from API 30 on
@TargetApi(Build.VERSION_CODES.R)
fun drawUnderSystemBars(window: Window) {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
        window.setDecorFitsSystemWindows(false)
    } else {
        window.decorView.systemUiVisibility = window.decorView.systemUiVisibility or
            View.SYSTEM_UI_FLAG_LAYOUT_STABLE or View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN or
            View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION
    }
}

/** Calls [fit] with the pixels that the system's bars and cut-outs take from each edge of [view], now and on changes. */
fun onSystemBars(view: View, fit: (Rect) -> Unit) {
    view.setOnApplyWindowInsetsListener { _, insets ->
        fit(barsOf(insets))
        insets
    }
    view.requestApplyInsets()
}

@Suppress("DEPRECATION")  // the newer call is there from API 30 on
@TargetApi(Build.VERSION_CODES.R)
private fun barsOf(insets: WindowInsets): Rect {
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
        val bars = insets.getInsets(WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout())
        return Rect(bars.left, bars.top, bars.right, bars.bottom)
    }
    return Rect(
        insets.systemWindowInsetLeft, insets.systemWindowInsetTop,
        insets.systemWindowInsetRight, insets.systemWindowInsetBottom,
    )
}
