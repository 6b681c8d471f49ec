"""`python -m swiftformer_keras` is the command `swiftformer`."""

from swiftformer_keras.cli.main import run

if __name__ == "__main__":
    run()
