"""The app's core in Kotlin against this library: the same pictures must become the same bytes."""
