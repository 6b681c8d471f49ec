package dev.swiftformer.app

import android.content.Context
import android.os.Build
import dev.swiftformer.app.camera.Camera2Source
import dev.swiftformer.app.camera.CameraSource
import dev.swiftformer.app.engine.FileAttemptStore
import dev.swiftformer.app.engine.InterpreterFactory
import dev.swiftformer.app.engine.Logcat
import dev.swiftformer.app.engine.Thermal
import dev.swiftformer.app.model.AssetFiles
import dev.swiftformer.app.model.ModelLibrary
import dev.swiftformer.app.model.OpenModel
import dev.swiftformer.app.picture.KeptPictures
import dev.swiftformer.app.picture.StillPictures
import dev.swiftformer.core.AttemptStore
import dev.swiftformer.core.EngineFactory
import java.io.File

/** What the screens are made of; tests put others in. One for the process. */
interface Parts {
    val settings: Settings
    val models: ModelLibrary
    val pictures: StillPictures
    val kept: KeptPictures
    val camera: CameraSource
    val attempts: AttemptStore

    /** What a crash is remembered for, beside the model: another installation or system may have mended it. */
    val build: String

    /** A new one for each screen: what one stops, another may still listen to. */
    fun thermal(): Thermal

    fun engines(model: OpenModel): EngineFactory
}

/** The real ones. */
class DeviceParts(private val context: Context) : Parts {
    private val log = Logcat()
    override val settings = Settings(context)
    override val models = ModelLibrary(AssetFiles(context.assets))
    override val pictures = StillPictures(context)
    override val kept = KeptPictures(context)
    override val camera: CameraSource by lazy { Camera2Source(context) }
    override val attempts = FileAttemptStore(File(context.noBackupFilesDir, "attempts.json"))
    override val build: String = installation() + " " + Build.FINGERPRINT

    override fun thermal() = Thermal(context)

    override fun engines(model: OpenModel): EngineFactory = InterpreterFactory(model.bytes, log)

    /** Builds of one version may have other libraries in them. */
    private fun installation(): String {
        val installed = context.packageManager.getPackageInfo(context.packageName, 0)
        return (installed.versionName ?: "unknown") + " " + installed.lastUpdateTime
    }
}
