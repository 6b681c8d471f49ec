"""What a phone's own commands say, taken apart: pure functions from text to facts.

One file a source. Nothing here raises: what is missing, damaged or hostile is None or empty, since a device may answer
anything. Numbers outside of what can be are treated so too, and texts come out printable and short. Every repetition
in a pattern has a bound, so that no text takes long.
"""
