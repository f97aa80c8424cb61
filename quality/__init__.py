"""Quality: language, vendored and generated flags, line metrics and the filters over them."""
