#!/usr/bin/env bash
# Installs what the tests of the page in a browser need: Chromium (Debian's), playwright, and axe-core into .browser/.
# Each part that is there already is left as it is. Ends with 1 and a reason where a part cannot be installed.
set -euo pipefail
cd "$(dirname "$0")/../../../.."

AXE=4.11.0
AXE_SHA256=39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107
missing() { echo "tests of the page in a browser are skipped: $1" >&2; exit 1; }

.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]' ||
  missing "pip cannot install the extra browser"
if ! command -v chromium >/dev/null; then
  [ "$(id -u)" = 0 ] && sudo= || sudo=sudo
  command -v apt-get >/dev/null || missing "no chromium, and no apt-get to install it"
  $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null ||
    missing "apt-get cannot install chromium"
fi
if [ ! -f .browser/axe.min.js ]; then
  command -v npm >/dev/null || missing "no npm to download axe-core with"
  mkdir -p .browser
  (cd .browser && npm pack --silent "axe-core@$AXE" >/dev/null) || missing "npm cannot download axe-core"
  echo "$AXE_SHA256  .browser/axe-core-$AXE.tgz" | sha256sum --check --quiet || missing "axe-core has another checksum"
  tar -xzf ".browser/axe-core-$AXE.tgz" -C .browser --strip-components=1 package/axe.min.js
fi
