"""The phone's own tests take the fixtures that they test."""

from tests.phone.fixtures import adb_server, jvm_app, phone, phones, running_adb_server

__all__ = ["adb_server", "jvm_app", "phone", "phones", "running_adb_server"]
