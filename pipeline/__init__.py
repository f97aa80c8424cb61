"""The pipeline: Beam stages, run driver, settings, engines, command line. The only room that imports Beam."""
