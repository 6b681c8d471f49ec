"""What a backbone is used for. In comes a configuration, out goes a model with a head; one file a task."""
