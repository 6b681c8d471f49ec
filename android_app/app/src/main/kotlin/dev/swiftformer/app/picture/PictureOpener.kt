package dev.swiftformer.app.picture

import android.os.CancellationSignal
import android.os.Handler
import kotlin.concurrent.thread

/**
 * Opens one picture at a time on a thread of its own, for at most [LIMIT_MS]: an app that provides a picture may wait for
 * its cloud, or never answer. Used on the main thread.
 */
class PictureOpener(private val main: Handler) {
    private var current: Opening? = null

    private inner class Opening(private val done: (Opened) -> Unit) : Runnable {
        val signal = CancellationSignal()

        /** The limit is reached. */
        override fun run() {
            signal.cancel()
            end(Opened.Problem(PictureProblem.TOO_SLOW))
        }

        fun end(opened: Opened) {
            if (current !== this) return
            forget()
            done(opened)
        }
    }

    /** Runs [work], then [done] on the main thread, unless something else is opened meanwhile. */
    fun open(work: (CancellationSignal) -> Opened, done: (Opened) -> Unit) {
        cancel()
        val opening = Opening(done)
        current = opening
        main.postDelayed(opening, LIMIT_MS)
        thread(name = "picture", isDaemon = true) {
            val opened = work(opening.signal)
            main.post { opening.end(opened) }
        }
    }

    /** Nothing is told any more. */
    fun cancel() {
        val opening = current ?: return
        forget()
        opening.signal.cancel()
    }

    private fun forget() {
        current?.let { main.removeCallbacks(it) }
        current = null
    }

    companion object {
        /** As long as a person waits who sees nothing happen. */
        const val LIMIT_MS = 30_000L
    }
}
