package dev.swiftformer.app

import android.Manifest
import android.content.Intent
import android.content.pm.ApplicationInfo
import android.content.pm.PackageManager
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import javax.xml.parsers.DocumentBuilderFactory

/** What the app asks of the system, and what it shows to other apps: a list, so that nothing joins it unseen. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class)
class ManifestTest {
    private val all = PackageManager.GET_ACTIVITIES or PackageManager.GET_PERMISSIONS or PackageManager.GET_PROVIDERS or
        PackageManager.GET_SERVICES or PackageManager.GET_RECEIVERS

    @Test
    fun asksForTheCameraOnly() {
        val info = app.packageManager.getPackageInfo(app.packageName, all)
        assertEquals(listOf(Manifest.permission.CAMERA), info.requestedPermissions!!.toList())
        assertTrue(info.permissions.isNullOrEmpty())
    }

    @Test
    fun showsTheLauncherAndTheShareTargetOnly() {
        val info = app.packageManager.getPackageInfo(app.packageName, all)
        assertEquals(listOf(MainActivity::class.java.name), info.activities!!.filter { it.exported }.map { it.name })
        assertTrue(info.services.isNullOrEmpty() && info.receivers.isNullOrEmpty() && info.providers.isNullOrEmpty())
        for (intent in listOf(
            Intent(Intent.ACTION_MAIN).addCategory(Intent.CATEGORY_LAUNCHER), Intent(Intent.ACTION_SEND).setType("image/jpeg"),
        )) {
            assertEquals(1, app.packageManager.queryIntentActivities(intent.setPackage(app.packageName), 0).size)
        }
        val text = Intent(Intent.ACTION_SEND).setType("text/plain").setPackage(app.packageName)
        assertTrue(app.packageManager.queryIntentActivities(text, 0).isEmpty())
    }

    @Test
    fun isNeitherDebuggableNorBackedUp() {
        assertEquals(0, app.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE)
        assertEquals(0, app.applicationInfo.flags and ApplicationInfo.FLAG_ALLOW_BACKUP)
    }

    @Test
    fun theFileSaysWhatThePackageManagerDoesNot() {
        val application = manifest("main").getElementsByTagName("application").item(0)
        fun attribute(name: String) = application.attributes.getNamedItem("android:$name").nodeValue
        assertEquals("@xml/data_extraction_rules", attribute("dataExtractionRules"))
        assertEquals("false", attribute("fullBackupContent"))
        assertFalse("android:debuggable" in File("src/main/AndroidManifest.xml").readText())
        val profileable = manifest("main").getElementsByTagName("profileable").item(0)
        assertEquals("true", profileable.attributes.getNamedItem("android:shell").nodeValue)
        val libraries = manifest("main").getElementsByTagName("uses-native-library")
        assertEquals(
            setOf("libOpenCL.so", "libOpenCL-car.so", "libOpenCL-pixel.so"),
            (0 until libraries.length).map { libraries.item(it).attributes.getNamedItem("android:name").nodeValue }.toSet(),
        )
    }

    @Test
    fun theBenchmarksForegroundEntryIsTheShellsAlone() {
        val activities = manifest("benchmark").getElementsByTagName("activity")
        assertEquals(1, activities.length)
        assertEquals("android.permission.DUMP", activities.item(0).attributes.getNamedItem("android:permission").nodeValue)
    }

    /** One that is made anew would measure in the background, or not at all. */
    @Test
    fun theBenchmarksScreenIsNotMadeAnewWhenItTurns() {
        val activity = manifest("benchmark").getElementsByTagName("activity").item(0)
        val kept = activity.attributes.getNamedItem("android:configChanges").nodeValue.split("|").toSet()
        val usual = setOf(
            "orientation", "screenSize", "smallestScreenSize", "screenLayout", "keyboardHidden", "uiMode", "density", "fontScale", "locale",
        )
        assertEquals(usual, usual intersect kept)
    }

    private fun manifest(sources: String) =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File("src/$sources/AndroidManifest.xml"))
}
