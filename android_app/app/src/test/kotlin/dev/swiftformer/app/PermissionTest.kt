package dev.swiftformer.app

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.Settings as SystemSettings
import dev.swiftformer.app.camera.Facing
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The one permission: asked for, refused, taken away, and not asked for where it is not wanted. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], application = TestApplication::class, qualifiers = "w360dp-h640dp-mdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PermissionTest {
    @Test
    fun asksForTheCameraOnceAndSaysWhy() {
        val activity = launch().get()
        assertEquals(Manifest.permission.CAMERA, shadowOf(activity).lastRequestedPermission.requestedPermissions.single())
        assertTrue(activity.isShown(R.id.notice))
        assertEquals(activity.getString(R.string.camera_needed), activity.words(R.id.notice_text))
        assertNull(fakes.fakeCamera.started)
    }

    @Test
    fun startsTheCameraWhenAllowed() {
        val activity = launch().get()
        grantCamera()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        idle()
        assertEquals(Facing.BACK, fakes.fakeCamera.started?.facing)
        assertFalse(activity.isShown(R.id.notice))
    }

    @Test
    fun refusedForGoodLeadsToTheSettings() {
        val activity = launch().get()
        activity.onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_DENIED))
        idle()
        assertEquals(activity.getString(R.string.camera_forbidden), activity.words(R.id.notice_text))
        activity.tap(R.id.notice_action)
        val left = shadowOf(activity).nextStartedActivity
        assertEquals(SystemSettings.ACTION_APPLICATION_DETAILS_SETTINGS, left.action)
        assertEquals("package:" + activity.packageName, left.dataString)
    }

    @Test
    fun aCalledOffQuestionIsNoRefusal() {
        val activity = launch().get()
        activity.onRequestPermissionsResult(1, emptyArray(), IntArray(0))
        idle()
        assertEquals(activity.getString(R.string.camera_needed), activity.words(R.id.notice_text))
    }

    @Test
    fun permissionTakenAwayWhileAwayIsNoticed() {
        grantCamera()
        val controller = launch()
        assertNotNull(fakes.fakeCamera.started)
        controller.pause().stop()
        assertNull(fakes.fakeCamera.started)
        shadowOf(app).denyPermissions(Manifest.permission.CAMERA)
        controller.restart().resume()
        assertNull(fakes.fakeCamera.started)
        assertTrue(controller.get().isShown(R.id.notice))
    }

    /** "Ask every time", chosen after it was allowed, looks like "never" to an app that only knows that it asked. */
    @Test
    fun whoAllowedItOnceIsAskedAgainAndNotSentToTheSettings() {
        val controller = launch()
        grantCamera()
        controller.get().onRequestPermissionsResult(1, arrayOf(Manifest.permission.CAMERA), intArrayOf(PackageManager.PERMISSION_GRANTED))
        idle()
        controller.pause().stop()
        shadowOf(app).denyPermissions(Manifest.permission.CAMERA)
        controller.restart().resume()
        idle()
        assertEquals(controller.get().getString(R.string.camera_needed), controller.get().words(R.id.notice_text))
    }

    @Test
    fun whoSharesAPictureIsNotAskedForTheCamera() {
        val picture = Uri.parse("content://stranger/picture")
        shadowOf(app.contentResolver).registerInputStreamSupplier(picture) { photoAsPng().inputStream() }
        val activity = launch(Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, picture)).get()
        until("the picture") { activity.isShown(R.id.still) }
        assertNull(shadowOf(activity).lastRequestedPermission)
        activity.tap(R.id.freeze)
        assertTrue(activity.isShown(R.id.notice_action))
        activity.tap(R.id.notice_action)
        assertNotNull(shadowOf(activity).lastRequestedPermission)
    }
}
