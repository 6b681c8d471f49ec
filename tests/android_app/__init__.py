"""The Android app's parts, checked from Python: what the app must do equals what this library does."""
