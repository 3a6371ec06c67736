"""Builds the empty package asiaq of this folder (PEP 517 and 660), with nothing but the standard library."""
import os
import zipfile

INFO = "asiaq-0.dist-info"
FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: asiaq\nVersion: 0\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: asiaq-stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "asiaq-0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        for file, text in FILES.items():
            wheel.writestr(f"{INFO}/{file}", text)
        names = [*FILES, "RECORD"]
        wheel.writestr(f"{INFO}/RECORD", "".join(f"{INFO}/{file},,\n" for file in names))
    return name


build_editable = build_wheel
