#!/usr/bin/python3
"""Boot: replaces {s3cred://PATH} in configuration files by the content of the object PATH.

The object comes from the first of the host's credential buckets that has it. What cannot be found stays as it is,
with a line on standard error, and the boot goes on. Values go from the AWS tools' output straight into the files:
never into an argument list, a log or a temporary file. Owner and mode of the files stay.

    disco-update-creds.py BUCKET...
"""
import glob
import os
import re
import subprocess
import sys

PLACEHOLDER = re.compile(rb"\{s3cred://([-a-zA-Z0-9_/.]+)\}")
FILES = [
    "/home/*/.ssh/authorized_keys",
    "/home/*/.ssh/id_*",
    "/opt/wgen/etc/**",
    "/etc/ipsec.d/**",
    "/etc/nerve.d/**",
    "/etc/nginx/**",
    "/etc/pki/tls/certs/server.crt",
    "/etc/pki/tls/private/server.key",
    "/etc/squid/**",
    "/etc/synapse.d/**",
]


def fetch(buckets, path):
    """Content of the object without trailing newlines, or None."""
    for bucket in buckets:
        done = subprocess.run(
            ["aws", "s3", "cp", "--only-show-errors", f"s3://{bucket}/{path}", "-"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        value = done.stdout.rstrip(b"\n")
        if done.returncode == 0 and value:
            return value
    return None


def main(buckets):
    known = {}

    def value(match):
        path = match.group(1).decode()
        if path not in known:
            known[path] = fetch(buckets, path)
            if known[path] is None:
                print(f"no credential {path} in any of: {' '.join(buckets)}", file=sys.stderr)
        return match.group(0) if known[path] is None else known[path]

    for pattern in FILES:
        for name in glob.glob(pattern, recursive=True):
            # No links: a user could point one at somebody else's file.
            if os.path.islink(name) or not os.path.isfile(name):
                continue
            with open(name, "r+b") as file:
                old = file.read()
                new = PLACEHOLDER.sub(value, old)
                if new != old:
                    file.seek(0)
                    file.write(new)
                    file.truncate()


if __name__ == "__main__":
    main(sys.argv[1:])
