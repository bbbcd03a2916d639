#!/usr/bin/env bash
# Loads the wheel for aarch64 on another machine, in an emulated processor, and records and reports with it:
#
#   tools/try_aarch64.sh dist/microjoule-*aarch64.whl [folder for Debian's files]
#
# Needs debootstrap and qemu-user-static. Times that are measured there mean nothing.
set -euo pipefail
wheel=$(realpath "$1")
root=$(realpath -m "${2:-build/arm64}")
if [ ! -e "$root/usr/bin/python3.11" ]; then
  debootstrap --foreign --arch=arm64 --variant=minbase --include=python3 bookworm "$root" >/dev/null
  for package in "$root"/var/cache/apt/archives/*.deb; do
    dpkg-deb -x "$package" "$root"
  done
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip --quiet --disable-pip-version-check install --target "$folder/site" --python-version 3.11 \
  --implementation cp --only-binary :all: --platform manylinux_2_17_aarch64 --platform manylinux_2_28_aarch64 "$wheel"
cd "$folder"
uj() {
  PYTHONPATH=$folder/site OPENBLAS_CORETYPE='' qemu-aarch64-static -L "$root" "$root/usr/bin/python3.11" -m microjoule "$@"
}
uj --version
uj run -o trace.arrows -- /bin/true
uj report trace.arrows --html page.html >report.txt
PYTHONPATH=$folder/site qemu-aarch64-static -L "$root" "$root/usr/bin/python3.11" - <<'END'
import platform
import microjoule._native as native
assert platform.machine() == "aarch64", platform.machine()
ring = native.Marks()
with native.Mark(ring, "step"):
    pass
(begin, end) = ring.drain()
assert (begin[0], begin[3], end[0]) == ("begin", "step", "end") and begin[1] <= end[1]
print(f"{native.__file__}, {platform.machine()}: {len(native.reader_names())} readers")
END
