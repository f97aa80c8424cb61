from setuptools import setup

setup(
    name="frob",
    license="Apache-2.0 OR MIT",
)
