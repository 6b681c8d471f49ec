package dev.swiftformer.app.model

import android.content.res.AssetManager
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel

/** The bundle in the app's assets, folder `models`. */
class AssetFiles(private val assets: AssetManager) : BundleFiles {
    override fun open(name: String): InputStream = assets.open("$FOLDER/$name")

    override fun map(name: String): ByteBuffer {
        try {
            assets.openFd("$FOLDER/$name").use { file ->
                FileInputStream(file.fileDescriptor).channel.use { channel ->
                    return channel.map(FileChannel.MapMode.READ_ONLY, file.startOffset, file.declaredLength)
                }
            }
        } catch (e: FileNotFoundException) {
            // An asset that the packer compressed has no place to map: it is read instead.
            return read(name)
        }
    }

    private fun read(name: String): ByteBuffer {
        val content = open(name).use { it.readBytes() }
        val bytes = ByteBuffer.allocateDirect(content.size).order(ByteOrder.nativeOrder())
        bytes.put(content).rewind()
        return bytes
    }

    private companion object {
        const val FOLDER = "models"
    }
}
