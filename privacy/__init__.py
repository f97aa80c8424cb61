"""Personal data and secrets: detectors and the placeholders that replace what they find."""
