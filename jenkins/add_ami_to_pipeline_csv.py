#!/usr/bin/env python3
"""Writes a pipeline with the images of its hostclasses in a first column `ami`.

Images come from a dictionary, hostclass to AMI id, in the module `ami_map` beside this file, or with --map from a
file of lines `HOSTCLASS AMI`. Hostclasses without one get an empty cell, or keep the one that they have.
Needs nothing but Python 3.
"""
import argparse
import csv
import sys


def read_images(path):
    """The images by hostclass."""
    if path:
        with open(path, encoding="utf-8") as lines:
            return dict(line.split() for line in lines if line.strip())
    try:
        import ami_map
    except ImportError:
        sys.exit("there is no module ami_map beside this file: write one, or pass --map FILE")
    found = [value for name, value in vars(ami_map).items() if isinstance(value, dict) and not name.startswith("__")]
    if len(found) != 1:
        sys.exit("the module ami_map must hold one dictionary, hostclass to AMI id")
    return found[0]


def convert(rows, images):
    """The rows with the column `ami` in front."""
    header = next(rows, None)
    if header is None or "hostclass" not in header:
        sys.exit("the pipeline has no column hostclass")
    hostclass = header.index("hostclass")
    old = header.index("ami") if "ami" in header else None

    def without(row):
        return [cell for index, cell in enumerate(row) if index != old]

    def cell(row, index):
        return row[index] if index is not None and index < len(row) else ""

    yield ["ami"] + without(header)
    for row in rows:
        if row:
            yield [images.get(cell(row, hostclass).strip()) or cell(row, old)] + without(row)


def main():
    """Reads, converts, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True, help="the pipeline")
    parser.add_argument("--output", required=True, help="where to write")
    parser.add_argument("--map", help="lines HOSTCLASS AMI [the module ami_map]")
    arguments = parser.parse_args()
    images = read_images(arguments.map)
    with open(arguments.input, newline="", encoding="utf-8-sig") as source:
        rows = list(convert(csv.reader(source), images))
    with open(arguments.output, "w", newline="", encoding="utf-8") as target:
        csv.writer(target).writerows(rows)


if __name__ == "__main__":
    main()
