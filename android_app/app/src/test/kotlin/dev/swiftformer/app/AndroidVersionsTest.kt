package dev.swiftformer.app

import android.content.ClipboardManager
import android.content.Intent
import android.graphics.Insets
import android.graphics.Rect
import android.net.Uri
import android.os.Build
import android.os.Bundle
import android.os.PowerManager
import android.provider.MediaStore
import android.view.View
import android.view.ViewGroup
import android.view.WindowInsets
import android.Manifest
import android.content.pm.PackageManager
import dev.swiftformer.core.DelegateKind
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.shadows.ShadowToast
import org.robolectric.util.ReflectionHelpers

/** Every flow of the screens on the range of Androids, where the versions differ: 8.0, 9, 10, 13 and 15. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [26, 28, 29, 33, 35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class AndroidVersionsTest {
    private val picture = Uri.parse("content://stranger/picture")

    private fun provide() = shadowOf(app.contentResolver).registerInputStreamSupplier(picture) { photoAsPng().inputStream() }

    private val sdk = Build.VERSION.SDK_INT

    @Test
    fun fromThePermissionToTheAnswer() {
        val activity = launch().get()
        assertEquals(Manifest.permission.CAMERA, shadowOf(activity).lastRequestedPermission.requestedPermissions.single())
        grantCamera()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        activity.settle()
        activity.seeFrames()
        assertEquals("golden retriever, 81 percent", activity.row(0).createAccessibilityNodeInfo().contentDescription)
        activity.row(0).performClick()
        assertEquals("golden retriever (81%)", activity.getSystemService(ClipboardManager::class.java).primaryClip!!.getItemAt(0).text)
        // From Android 13 on the system itself says what was copied.
        assertEquals(if (sdk < 33) "Copied: golden retriever (81%)" else null, ShadowToast.getTextOfLatestToast())
    }

    @Test
    fun aSharedPictureIsClassifiedAndAStrangeOneIsNoCrash() {
        provide()
        val controller = launch(Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, picture))
        until("the picture") { controller.get().isShown(R.id.still) && controller.get().row(0).isShown }
        controller.pause().stop().destroy()
        for (extra in listOf<Intent.() -> Unit>(
            { putExtra(Intent.EXTRA_STREAM, "text") }, { putExtra(Intent.EXTRA_STREAM, Bundle()) },
            { putExtra(Intent.EXTRA_STREAM, HostileTest.Exploding()) }, {},
        )) {
            val strange = launch(Intent(Intent.ACTION_SEND).setType("image/png").apply(extra))
            until("a message") { strange.get().getString(R.string.share_no_picture) in strange.get().words(R.id.warning) }
            strange.pause().stop().destroy()
        }
    }

    @Test
    fun aPickedPictureComesFromTheBestPickerThereIs() {
        provide()
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.pick)
        val asked = shadowOf(activity).nextStartedActivityForResult
        assertEquals(if (sdk >= 33) MediaStore.ACTION_PICK_IMAGES else Intent.ACTION_OPEN_DOCUMENT, asked.intent.action)
        shadowOf(activity).receiveResult(asked.intent, android.app.Activity.RESULT_OK, Intent().setData(picture))
        until("the picture") { activity.isShown(R.id.still) && activity.row(0).isShown }
    }

    @Test
    fun whereThereIsNoPickerItIsSaid() {
        val activity = launch().get()
        shadowOf(app).checkActivities(true)
        activity.tap(R.id.pick)
        assertEquals(activity.getString(R.string.no_picker), ShadowToast.getTextOfLatestToast())
    }

    @Test
    fun heatEndsTheGpuWhereTheSystemTellsIt() {
        fakes.settings.delegate = DelegateKind.GPU.name
        val controller = launch()
        val activity = controller.get()
        activity.settle()
        assertEquals("GPU: 90 of 90 operators", activity.words(R.id.runs_on))
        if (sdk < 29) return assertNull(fakes.thermal().status())
        assertNotNull(fakes.thermal().status())
        shadowOf(activity.getSystemService(PowerManager::class.java)).setCurrentThermalStatus(4)
        until("the CPU") { "too hot" in activity.words(R.id.runs_on) }
        controller.pause().stop()
    }

    @Test
    fun rotationAndTheProcesssDeathKeepTheStillPicture() {
        grantCamera()
        val controller = launch()
        controller.get().settle()
        controller.get().freeze()
        RuntimeEnvironment.setQualifiers("+land")
        controller.recreate()
        assertTrue(controller.get().isShown(R.id.still))
        val saved = Bundle()
        controller.pause().stop().saveInstanceState(saved).destroy()
        until("the engine is closed") { fakes.lab.open == 0 }
        val again = Robolectric.buildActivity(MainActivity::class.java).setup(saved).get()
        until("the picture again") { again.isShown(R.id.still) && again.row(0).isShown }
    }

    /** The window lies under the system's bars, and what can be tapped or read keeps clear of them. */
    @Test
    fun controlsKeepClearOfTheSystemsBars() {
        val activity = launch().get()
        val root = activity.findViewById<View>(R.id.root)
        root.dispatchApplyWindowInsets(bars(Rect(5, 24, 7, 48)))
        val controls = activity.findViewById<View>(R.id.controls)
        assertEquals(listOf(5, 24, 7), listOf(controls.paddingLeft, controls.paddingTop, controls.paddingRight))
        val space = activity.resources.getDimensionPixelSize(R.dimen.space)
        assertEquals(48 + space, activity.findViewById<View>(R.id.results).paddingBottom)
        if (sdk < 30) {
            @Suppress("DEPRECATION") val flags = activity.window.decorView.systemUiVisibility
            @Suppress("DEPRECATION") assertTrue(flags and View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION != 0)
        }
    }

    @Suppress("DEPRECATION")
    private fun bars(edges: Rect): WindowInsets = when {
        sdk >= 30 -> WindowInsets.Builder().setInsets(WindowInsets.Type.systemBars(), Insets.of(edges)).build()
        sdk >= 29 -> WindowInsets.Builder().setSystemWindowInsets(Insets.of(edges)).build()
        else -> ReflectionHelpers.callConstructor(WindowInsets::class.java, ReflectionHelpers.ClassParameter.from(Rect::class.java, edges))
    }

    @Test
    fun theAboutScreenAndTheSheetOpen() {
        val activity = launch().get()
        activity.settle()
        activity.tap(R.id.tune)
        assertTrue(activity.isShown(R.id.choices))
        activity.tap(R.id.about)
        val about = Robolectric.buildActivity(AboutModelActivity::class.java, shadowOf(activity).nextStartedActivity).setup().get()
        until("its lines") { about.findViewById<ViewGroup>(R.id.about_lines).childCount > 10 }
        assertFalse(uncaught.toString(), uncaught.isNotEmpty())
    }
}
