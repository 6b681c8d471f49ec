package dev.swiftformer.app.picture

import android.app.ActivityManager
import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.util.UUID
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Executors

/**
 * Pictures that stand still, kept in the cache for after the process's death: each in a file of its own, so that none
 * comes back in another's place.
 *
 * @param read gives what [keep] wrote; null where it is no picture.
 */
class KeptPictures(context: Context, private val read: (File) -> Bitmap? = { BitmapFactory.decodeFile(it.path) }) {
    private val folder: File = context.cacheDir
    private val activities: ActivityManager = context.getSystemService(ActivityManager::class.java)

    /** What this process keeps or brought back, by name. */
    private val held: MutableSet<String> = ConcurrentHashMap.newKeySet()

    /** Packing a large picture takes seconds, and nothing waits for it but [restore]. */
    private val keeper = Executors.newSingleThreadExecutor { work ->
        Thread(work, "keeper").apply { priority = Thread.MIN_PRIORITY }
    }

    /** Keeps a picture of a screen of [task], and gives the name for [restore]. Returns before it is written. */
    fun keep(bitmap: Bitmap, task: Int): String {
        val name = "still-$task-${UUID.randomUUID()}.png"
        held.add(name)
        keeper.execute { if (name in held) write(bitmap, File(folder, name)) }
        return name
    }

    /** A picture that cannot be written is not kept. */
    private fun write(bitmap: Bitmap, file: File) {
        val fresh = File(file.path + ".new")
        val whole = try {
            FileOutputStream(fresh).use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
        } catch (e: IOException) {
            false
        } catch (e: OutOfMemoryError) {
            false
        } catch (e: RuntimeException) {  // the bitmap was recycled
            false
        }
        if (!whole || !fresh.renameTo(file)) fresh.delete()
    }

    /** Keeps [sweep] away from what another process wrote. */
    fun hold(name: String) {
        held.add(name)
    }

    /**
     * What was kept under [name], or null. What cannot be read is forgotten: the state that asks for it is saved, and would
     * ask again at each start.
     */
    fun restore(name: String): Bitmap? {
        if (!NAME.matches(name)) return null
        hold(name)
        return keeper.submit(Callable { restored(File(folder, name)) }).get()
    }

    private fun restored(file: File): Bitmap? {
        val bitmap = try {
            if (file.isFile) read(file) else null
        } catch (e: OutOfMemoryError) {
            null
        } catch (e: RuntimeException) {
            null
        }
        if (bitmap == null) {
            held.remove(file.name)
            file.delete()
        }
        return bitmap
    }

    fun forget(name: String) {
        held.remove(name)
        keeper.execute { File(folder, name).delete() }
    }

    /**
     * Deletes what nobody can ask for any more: halves of files, and pictures of tasks that were swiped away while the
     * process was dead. (A screen in another app's task is not known to the system as this app's; where its picture is
     * gone, it is opened again from where it came.)
     */
    fun sweep() = keeper.execute {
        val tasks = tasks()
        for (file in folder.listFiles().orEmpty()) {
            if (!file.name.startsWith("still") || file.name in held) continue
            val task = NAME.matchEntire(file.name)?.groupValues?.get(1)?.toIntOrNull()
            if (task == null || task !in tasks) file.delete()
        }
    }

    private fun tasks(): Set<Int> = activities.appTasks.mapNotNull {
        try {
            @Suppress("DEPRECATION")  // its newer name is there from API 29 on
            it.taskInfo.persistentId
        } catch (e: RuntimeException) {  // this one went while it was asked
            null
        }
    }.toSet()

    private companion object {
        val NAME = Regex("still-(-?\\d+)-[0-9a-f-]{36}\\.png")
    }
}
